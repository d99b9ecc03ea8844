import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { sizeOf } from "../codegen/ir/graph.js";
import type { TargetName } from "../codegen/targets/index.js";
import type { SolverParameter } from "../proto/index.js";
import {
  MANIFEST_FORMAT,
  MANIFEST_VERSION,
  type Manifest,
  type ManifestFile,
} from "../runtime/artefact/manifest.js";
import type { NetTables, Tables, TrainTable } from "../runtime/net/tables.js";
import { encodeWeightSet } from "../runtime/weights/index.js";
import { backwardSeeds } from "./artefact/backward-seeds.js";
import { batchTable } from "./artefact/batch-rows.js";
import type { CudaCompiler } from "./artefact/build-cuda.js";
import { type BuildOptions, takeBuildArguments } from "./artefact/build-options.js";
import { buildSolver } from "./artefact/build-solver.js";
import { artefactTarget } from "./artefact/build-target.js";
import { declarationsOf } from "./artefact/declarations.js";
import { type BuiltFile, checkFolder, writeFolder } from "./artefact/folder.js";
import { mergePrograms } from "./artefact/merge-programs.js";
import { moduleText } from "./artefact/net-module.js";
import { COMMON_MODULE, PACKAGE } from "./artefact/package-files.js";
import { buildWeights } from "./artefact/parameters.js";
import type { LoweredNet } from "./layers/index.js";
import { netTables, programTable } from "./net/net-tables.js";
import { hasGradient, keptBlobs, keptDiffs } from "./net/objective.js";
import { DEFAULT_SEED, readNet } from "./net/open-net.js";
import { netProgram, type TrainingPrograms, trainingPrograms } from "./net/programs.js";
import type { NetSource } from "./net/read-definition.js";
import { requireNoFiles, requireStaticShapes } from "./net/static-shapes.js";
import { constantsOf, ruleOf } from "./solvers/index.js";
import { version } from "./version.js";

export type { BuildOptions } from "./artefact/build-options.js";

/** What a build wrote. */
export interface BuildReport {
  /** Absolute. */
  readonly out: string;
  readonly target: TargetName;
  readonly phase: "TRAIN" | "TEST";
  readonly files: readonly ManifestFile[];
  readonly inputs: readonly NamedBlob[];
  readonly outputs: readonly NamedBlob[];
  /** Inputs that a data layer would read: here the caller gives them. */
  readonly fed: readonly string[];
  readonly backward: boolean;
  readonly train: boolean;
  /** A step needs its rate from the caller. */
  readonly needsRate: boolean;
  /** Of the architecture that has most. */
  readonly kernels: number;
  /** Of the architecture that needs most. */
  readonly arenaBytes: number;
  readonly parameterBytes: number;
  /** What became of the weights given. */
  readonly weights: string | undefined;
}

export interface NamedBlob {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * Compiles a net ahead of time: writes a module that runs it without Cortado, its types, its weights and a manifest
 * into the folder `options.out`. Tops of data layers are inputs of what is built.
 *
 * `net` is as `compile` takes it. The files are written when all has been made,
 * each whole or not at all, the manifest last.
 *
 * @throws CortadoError with every mistake in the net, the options, the solver or the weights; where the folder cannot
 * be written to, or has files of those names that no build wrote
 */
export const buildNet = (net: NetSource, options: BuildOptions): Promise<BuildReport> =>
  buildWith(undefined, net, options);

/** As `buildNet`, with something else than NVRTC to compile for `cuda`. */
export async function buildWith(
  compiler: CudaCompiler | undefined,
  given: NetSource,
  givenOptions: BuildOptions,
): Promise<BuildReport> {
  const { net, options } = takeBuildArguments(given, givenOptions);
  const { out, train = false, layers, passes } = options;
  await checkFolder(out);
  const target = await artefactTarget(options, compiler);
  const phase = options.phase ?? (train ? "TRAIN" : "TEST");
  const solver = train ? await buildSolver(options.solver, layers) : undefined;
  const seed = options.seed ?? (solver && solver.random_seed >= 0 ? solver.random_seed : DEFAULT_SEED);
  const source = await readNet(net, options, { phase, seed });
  const { definition } = source;
  await source.feeds.close();

  // Each program from a graph of its own: node for node the one that `compile` would make.
  // What was built feeds nothing from files, and writes none: its caller has the inputs and the outputs.
  const lower = (): LoweredNet => ({ ...source.lower(), sinks: [] });
  const lowered = lower();
  requireStaticShapes(lowered, "a build");
  requireNoFiles(lowered, "a build");
  const keep = keptBlobs(lowered, options.keep);
  const diffsOfParams = train ? keptDiffs(lowered, options) : [];
  const seeds = backwardSeeds(lowered, options.backward ?? (train && hasGradient(lowered)));
  const objective = { backward: seeds !== undefined, seeds: seeds ?? [], keep };
  const made = target.descriptions.map((description) => {
    const programOptions = { target: target.target, description, dtype: "float32", seed, passes } as const;
    const training =
      solver && trainingPrograms(lower(), { keep, keptDiffs: diffsOfParams }, solver, programOptions);
    const placed = [
      netProgram(lower(), objective, programOptions),
      ...(training ? [training.step] : []),
      ...(training?.update ? [training.update] : []),
    ];
    const programs = mergePrograms(placed.map(({ program }) => program));
    const tables = placed.map((one, i) => programTable({ ...one, program: programs[i] }, lowered));
    return { training, variant: { description, programs, tables } };
  });
  const [{ training }] = made;
  const batch = batchTable(lowered, [...lowered.outputs, ...keep], seeds !== undefined || train);
  const parameters = [...lowered.params.map(({ shape }) => sizeOf(shape)), ...(training?.states ?? [])];
  const parts = await target.emit(
    made.map(({ variant }) => variant),
    parameters,
  );
  const unnamed: Omit<Tables, "build"> = {
    net: definition.net.name,
    target: target.target.name,
    ...withoutPlaces(netTables(lowered, keep, diffsOfParams)),
    parameters,
    ...(seeds && { seeds }),
    ...(training && solver && { train: trainTable(training, solver) }),
    ...(batch && { batch }),
  };
  const { text, build } = await moduleText(target.target.name, unnamed, parts);
  const tables: Tables = { ...unnamed, build };

  const { weights, report } = await buildWeights(lowered, seed, options.weights);
  const declarations = declarationsOf(tables, parts.options);
  const files: readonly BuiltFile[] = [
    fileOf("net.d.ts", declarations),
    fileOf("net.d.cts", declarations),
    { path: "weights.safetensors", bytes: await encodeWeightSet(weights, "safetensors") },
    ...parts.files,
    fileOf("package.json", PACKAGE),
    fileOf("net.cjs", COMMON_MODULE),
    fileOf("net.js", text),
  ];
  const arenaBytes = Math.max(
    ...made.map(({ variant }) => variant.tables.reduce((sum, program) => sum + program.arenaBytes, 0)),
  );
  const manifest = manifestOf(tables, phase, arenaBytes, files, parts.processors);
  const written = [...files, fileOf("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`)];
  await writeFolder(out, written);

  const fed = new Set(lowered.feeds.flatMap(({ layer }) => layer.top));
  const named = (names: readonly string[]): readonly NamedBlob[] =>
    names.map((name) => ({ name, shape: lowered.blobs.get(name)?.shape ?? [] }));
  return {
    out: resolve(out),
    target: target.target.name,
    phase,
    files: written.map(described),
    inputs: tables.inputs,
    outputs: named(tables.outputs),
    fed: tables.inputs.map(({ name }) => name).filter((name) => fed.has(name)),
    backward: seeds !== undefined,
    train,
    needsRate: tables.train !== undefined && tables.train.rate === undefined,
    kernels: Math.max(...made.map(({ variant }) => variant.programs[0].kernels.length)),
    arenaBytes,
    parameterBytes: manifest.parameterBytes,
    weights: report,
  };
}

const fileOf = (path: string, text: string): BuiltFile => ({ path, bytes: new TextEncoder().encode(text) });

const described = ({ path, bytes }: BuiltFile): ManifestFile => ({
  path,
  bytes: bytes.length,
  sha256: createHash("sha256").update(bytes).digest("hex"),
});

const manifestOf = (
  tables: Tables,
  phase: "TRAIN" | "TEST",
  arenaBytes: number,
  files: readonly BuiltFile[],
  processors: Manifest["processors"],
): Manifest => ({
  format: MANIFEST_FORMAT,
  version: MANIFEST_VERSION,
  cortado: version(),
  target: tables.target,
  build: tables.build,
  net: tables.net,
  phase,
  blobs: tables.blobs,
  inputs: tables.inputs.map(({ name }) => name),
  outputs: tables.outputs,
  params: tables.layers.flatMap(({ name, params }) =>
    params.map(({ shape }, index) => ({ layer: name, index, shape })),
  ),
  arenaBytes,
  parameterBytes: tables.parameters.reduce((sum, elements) => sum + 4 * elements, 0),
  ...(tables.batch && { batch: tables.batch }),
  ...(processors && { processors }),
  files: files.map(described),
});

/** A build does not carry the text of its net. */
const withoutPlaces = (tables: NetTables): NetTables => ({
  ...tables,
  checks: tables.checks.map(({ span: _, ...check }) => check),
});

/** What a built module says of its update. */
function trainTable({ history }: TrainingPrograms, solver: SolverParameter): TrainTable {
  const rule = ruleOf(solver);
  const { momentum, momentum2 } = constantsOf(solver);
  const { lr_policy, base_lr, gamma, power, stepsize, stepvalue, max_iter } = solver;
  return {
    batches: Math.max(1, solver.iter_size),
    scalars: rule.scalars,
    constants: { momentum, momentum2 },
    ...(lr_policy !== "" && {
      rate: { lr_policy, base_lr, gamma, power, stepsize, stepvalue, max_iter },
    }),
    history,
  };
}
