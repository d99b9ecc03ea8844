import {
  argumentsOf,
  byName,
  callback,
  either,
  optional,
  optionsOf,
  text,
} from "../proto/arguments/argument-rules.js";
import { userError } from "../proto/errors/index.js";
import type { SolverParameter } from "../proto/index.js";
import type {
  Progress,
  SnapshotContent,
  SnapshotFiles,
  SolverEvent,
  TestResult,
} from "../runtime/solver/events.js";
import { existing } from "../runtime/solver/paths.js";
import { snapshotPlaceOf } from "../runtime/solver/snapshot-place.js";
import { snapshotSource } from "../runtime/solver/snapshot-source.js";
import { type BatchSource, createLoop, type Solver as SolverOf } from "../runtime/solver/solver.js";
import { restoreState } from "../runtime/solver/state.js";
import { type WeightSet, type WeightSource, withWeightSet } from "../runtime/weights/index.js";
import { checkedSolver } from "./check/solver-mistakes.js";
import { compileTaken, compileTraining } from "./net/compile.js";
import type { CompileOptions, TakenOptions } from "./net/compile-options.js";
import type { CompiledNet, TrainingNet } from "./net/compiled-net.js";
import { collectWeights, formatMatchReport, loadTakenWeights } from "./net/load-weights.js";
import { blobValues, SHARED_OPTIONS, solverSource } from "./net/net-arguments.js";
import { readGivenSolver, type SolverSource } from "./net/read-definition.js";
import { amend, type NetDef, type SolverDef, selectLayers } from "./net-text/index.js";
import { ruleScalars } from "./solvers/index.js";
import { fileOfSolver, placeOfSolver } from "./solvers/solver-folders.js";
import type { NetPlan } from "./solvers/solver-nets.js";

export type {
  OutputValue,
  Progress,
  SnapshotContent,
  SnapshotFiles,
  SolverEvent,
  TestResult,
} from "../runtime/solver/events.js";
export { formatEvent } from "../runtime/solver/events.js";
export type {
  BatchRequest,
  BatchSource,
  Solver as TrainingLoop,
  SolverOutcome,
} from "../runtime/solver/solver.js";

/** A net in training, with its test nets. Its functions are closures: they can be taken apart from it. */
export type Solver = SolverOf<TrainingNet, CompiledNet>;

/** Options of `createSolver`, beside the solver itself. */
export interface SolverOptions
  extends Pick<
    CompileOptions,
    | "target"
    | "threads"
    | "keep"
    | "keepDiffs"
    | "forceBackward"
    | "dtype"
    | "fma"
    | "layers"
    | "debug"
    | "passes"
  > {
  /** Where relative paths start. Default: the working directory, then the folder of the file that names them. */
  readonly root?: string | URL;
  /** Of fillers, dropout and random crops. Default: the solver's random_seed, else 1701. */
  readonly seed?: number;
  /** Weights to start from, instead of the solver's own `weights`. */
  readonly weights?: WeightSource;
  /** A `.solverstate` to go on from, with the weights it names; or the `content` of a snapshot made in a browser. */
  readonly resume?: string | URL | SnapshotContent;
  /** Texts of nets that the solver names, by those names: such a name is no path then. */
  readonly nets?: Readonly<Record<string, string>>;
  /** Added to train_state, as `caffe train -stage -level` does. */
  readonly stages?: readonly string[];
  readonly level?: number;
  /** Batches, for nets without data layers: by blob name, one for all or a function. */
  readonly inputs?: BatchSource;
  /** Everything the solver reports: `formatEvent` writes it as Caffe's log does. */
  readonly onEvent?: (event: SolverEvent) => void;
  /** After every update. */
  readonly onProgress?: (progress: Progress) => void;
  readonly onTest?: (result: TestResult) => void;
  readonly onSnapshot?: (files: SnapshotFiles) => void;
  readonly onWarning?: (message: string, iteration: number) => void;
}

const { target, threads, keep, keepDiffs, forceBackward, dtype, fma, layers, debug, passes } = SHARED_OPTIONS;
const { root, seed, weights, stages, level } = SHARED_OPTIONS;

const CREATE_SOLVER = argumentsOf("createSolver", {
  solver: solverSource,
  options: optional(
    optionsOf<TakenOptions<SolverOptions>>("createSolver", {
      ...{ target, threads, keep, keepDiffs, forceBackward, dtype, fma, layers, debug, passes },
      ...{ root, seed, weights, stages, level },
      resume: snapshotSource,
      nets: byName("an object of texts by the names of nets", text("a text")),
      inputs: either<BatchSource>(blobValues, callback()),
      onEvent: callback(),
      onProgress: callback(),
      onTest: callback(),
      onSnapshot: callback(),
      onWarning: callback(),
    }),
  ),
});

/**
 * Compiles the nets of a solver and returns the loop that trains them. `solver` is the text of a `solver.prototxt` or the
 * bytes of that text, the path or file: URL of one, what `parseSolver` gives, or its fields as plain objects. It and the
 * options are taken at the call; `inputs` too, where they are no function.
 *
 * @throws CortadoError with every mistake of the arguments; then with every mistake of the solver and its nets, each with
 * its place
 */
export async function createSolver(solver: SolverSource, options?: SolverOptions): Promise<Solver> {
  const given = CREATE_SOLVER(solver, options);
  return createTakenSolver(given.solver, given.options ?? {});
}

async function createTakenSolver(
  solver: ReturnType<typeof CREATE_SOLVER>["solver"],
  options: TakenOptions<SolverOptions>,
): Promise<Solver> {
  if (options.resume !== undefined && options.weights !== undefined)
    throw userError("weights and resume exclude each other", "a .solverstate names its own weights");
  const { definition, file } = await solverAndFile(solver, options.layers);
  const parameters = definition.solver;
  const onEvent = listener(options);

  const { own, folders, folder } = placeOfSolver(file, options.root);
  const { plans, warnings } = await checkedSolver(definition, folders, options);
  for (const { message } of warnings) onEvent({ kind: "warning", iteration: 0, message });
  const snapshots = await snapshotPlaceOf(parameters, file, own);
  if (parameters.snapshot > 0) await snapshots.check();

  const open: CompiledNet[] = [];
  let solving: Solver | undefined;
  try {
    const settings = (plan: NetPlan): TakenOptions<CompileOptions> => ({
      target: options.target,
      threads: options.threads,
      dtype: options.dtype,
      fma: options.fma,
      passes: options.passes,
      layers: options.layers,
      debug: options.debug,
      log: (line) => onEvent({ kind: "debug", iteration: solving?.iteration ?? 0, lines: [line] }),
      seed: options.seed ?? (parameters.random_seed >= 0 ? parameters.random_seed : undefined),
      phase: plan.phase,
      level: plan.level,
      stages: plan.stages,
      root: options.root ?? plan.folder ?? folder,
    });
    const trainPlan = {
      ...plans.train,
      level: options.level ?? plans.train.level,
      stages: [...plans.train.stages, ...(options.stages ?? [])],
    };
    const keeps = keepIn([trainPlan, ...plans.tests], options.keep);
    const net = await compileTraining(trainPlan.definition, parameters, {
      ...settings(trainPlan),
      keep: keeps[0],
      keepDiffs: options.keepDiffs,
      forceBackward: options.forceBackward,
    });
    open.push(net);
    const testNets: CompiledNet[] = [];
    for (const [i, plan] of plans.tests.entries()) {
      const definition = parameters.debug_info ? withDebugInfo(plan.definition) : plan.definition;
      const testNet = await compileTaken(definition, { ...settings(plan), keep: keeps[1 + i], share: net });
      open.push(testNet);
      testNets.push(testNet);
    }

    const load = async (weights: string | Uint8Array | WeightSet): Promise<void> => {
      const report = await withWeightSet(weights, async (set) => {
        const ofTraining = await loadTakenWeights(net, set);
        // Parameters that only a test net has are loaded too, as in Caffe.
        for (const testNet of testNets) await loadTakenWeights(testNet, set);
        return ofTraining;
      });
      onEvent({
        kind: "weights",
        file: typeof weights === "string" ? weights : undefined,
        report: formatMatchReport(report),
      });
    };
    const loop = createLoop({
      solver: parameters,
      net,
      netName: net.definition.net.name,
      testNets,
      ruleScalars: (iteration) => ruleScalars(parameters, iteration),
      inputs: options.inputs,
      debugInfo: parameters.debug_info || net.definition.net.debug_info,
      onEvent,
      async checkWritable() {
        await snapshots.check();
        snapshots.checkNames(net.layers);
      },
      save: (position) =>
        snapshots.save(position, { history: net.history, weights: () => collectWeights(net) }),
      load: (from) => restoreState(from, net.history, load),
    });
    solving = loop;
    if (options.resume !== undefined) await loop.restore(options.resume);
    else for (const from of await startingWeights(parameters, options, folders)) await load(from);
    return loop;
  } catch (error) {
    await Promise.all(open.reverse().map((each) => each.close()));
    throw error;
  }
}

/** What of `keep` each net has, the train net first: a name that none has is left to that one, which refuses it. */
function keepIn(
  plans: readonly NetPlan[],
  keep: CompileOptions["keep"],
): readonly (CompileOptions["keep"] | undefined)[] {
  if (!Array.isArray(keep)) return plans.map(() => keep);
  const names: readonly unknown[] = keep;
  const blobs = plans.map(
    ({ definition, ...state }) =>
      new Set<unknown>(selectLayers(definition, state).net.layer.flatMap(({ top }) => top)),
  );
  return blobs.map((own, i) =>
    names.filter((name) => own.has(name) || (i === 0 && !blobs.some((any) => any.has(name)))),
  ) as readonly CompileOptions["keep"][];
}

const withDebugInfo = (definition: NetDef): NetDef => ({
  ...definition,
  net: amend(definition.net, { debug_info: true }),
});

/** A solver, and its file if it has one: of a value, the one that its text was read from. */
async function solverAndFile(
  ...of: Parameters<typeof readGivenSolver>
): Promise<{ readonly definition: SolverDef; readonly file: string | undefined }> {
  const { definition, file } = await readGivenSolver(...of);
  return { definition, file: await fileOfSolver(file, definition.source.name) };
}

/** The weights of the options, or else those of the solver: each entry a list of paths with commas. */
async function startingWeights(
  solver: SolverParameter,
  options: TakenOptions<SolverOptions>,
  folders: readonly string[],
): Promise<readonly (string | Uint8Array | WeightSet)[]> {
  const given = options.weights === undefined ? solver.weights : [options.weights];
  const paths: (string | Uint8Array | WeightSet)[] = [];
  for (const entry of given) {
    if (typeof entry !== "string") {
      paths.push(entry);
      continue;
    }
    for (const path of entry.split(",").map((part) => part.trim()))
      if (path !== "") paths.push((await existing(path, folders)) ?? path);
  }
  return paths;
}

/** One listener for all of an option's. */
function listener(options: TakenOptions<SolverOptions>): (event: SolverEvent) => void {
  const { onEvent, onProgress, onTest, onSnapshot, onWarning } = options;
  return (event) => {
    onEvent?.(event);
    if (event.kind === "progress") onProgress?.(event);
    else if (event.kind === "test") onTest?.(event);
    else if (event.kind === "snapshot") onSnapshot?.(event);
    else if (event.kind === "warning") onWarning?.(event.message, event.iteration);
  };
}
