import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import type { OnnxGraph, Value } from "../codegen/onnx/onnx-graph.js";
import { renderOnnx } from "../codegen/onnx/render-onnx.js";
import { CortadoError, fileError, userError } from "../proto/errors/index.js";
import { showBytes } from "../proto/words/amounts.js";
import { quoted, quotedLayer, quotedPath } from "../proto/words/names.js";
import { bytesOfText, littleEndianBytes } from "../proto/words/text-bytes.js";
import { writeFileAtomically } from "../runtime/atomic-file.js";
import { paramIn } from "../runtime/devices/threads/inline-executor.js";
import { backwardSeeds } from "./artefact/backward-seeds.js";
import { buildSolver } from "./artefact/build-solver.js";
import { buildWeights } from "./artefact/parameters.js";
import { type Changing, withChangingBatch } from "./export/changing-batch.js";
import { constantValues } from "./export/constant-values.js";
import {
  EXPORT_ONNX,
  type ExportOptions,
  NET_OPTIONS,
  type TakenExportOptions,
  WRITE_ONNX,
  type WriteOnnxOptions,
} from "./export/export-options.js";
import { type FileForm, fileGraph } from "./export/file-graph.js";
import type { FileObjective } from "./export/file-roots.js";
import { withHalfConstants } from "./export/half-constants.js";
import {
  batchOf,
  lowerNetOf,
  type NetOptions,
  otherBatch,
  shapesFor,
  type Twin,
} from "./export/net-batches.js";
import { type EncodedModel, encodeModel, OPSETS } from "./export/onnx-message.js";
import { type Int8Report, quantisationOf } from "./export/quantise-net.js";
import { quantiseCompiled, quantiseSource } from "./export/quantise-source.js";
import type { GraphSource } from "./export/run-graph.js";
import { formatNet } from "./formats.js";
import type { LoweredNet } from "./layers/lower-net.js";
import type { CompiledNet } from "./net/compiled-net.js";
import { internalsOf } from "./net/internals.js";
import { hasGradient, keptBlobs } from "./net/objective.js";
import { openDevice } from "./net/open-device.js";
import { DEFAULT_SEED, readNet } from "./net/open-net.js";
import type { NetSource, Unread } from "./net/read-definition.js";
import { requireNoFiles, requireStaticShapes } from "./net/static-shapes.js";
import type { NetDef } from "./net-text/index.js";
import { version } from "./version.js";

export type {
  ExportOptions,
  Int8Options,
  Int8Progress,
  WriteOnnxOptions,
} from "./export/export-options.js";
export type { Int8Layer, Int8Output, Int8Report } from "./export/quantise-net.js";
export type { ValueRange } from "./export/value-ranges.js";

/** A blob of a file, and its extents: a text is one that is open. */
export interface ExportedBlob {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** What is in a file. */
export interface OnnxFacts {
  readonly opset: number;
  readonly inputs: readonly ExportedBlob[];
  readonly outputs: readonly ExportedBlob[];
  readonly layers: number;
  readonly nodes: number;
  readonly constantBytes: number;
  /** What being in 8 bits costs, of a file that is. */
  readonly int8?: Int8Report;
}

/** A file, and what is in it. */
export interface OnnxFile extends EncodedModel, OnnxFacts {}

/** What was written. */
export interface OnnxReport extends OnnxFacts {
  /** Absolute. */
  readonly out: string;
  readonly bytes: number;
  /** The name of the file with the constants, beside it. */
  readonly beside?: string;
}

/** Bytes of constants from which on a file is too large for protobuf, whose messages end at 2 GiB. */
const MOST_BYTES = 2 ** 31 - 2 ** 24;

const hashOf = (pieces: readonly Uint8Array[]): string => {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
};

/**
 * A net as an ONNX file, which computes the same numbers: its forward pass in the phase that is asked for, with its weights.
 * Values are named after blobs, nodes after layers, constants after parameters (`conv1/0`).
 *
 * @param net as `compile` takes it, or a net that `compile` returned
 * @throws CortadoError with every mistake in the arguments, the net or the weights; where a layer cannot be said in ONNX, with
 * all of them
 */
export async function exportOnnx(net: NetSource | CompiledNet, options?: ExportOptions): Promise<Uint8Array> {
  return (await makeOnnx(net, options)).bytes;
}

/**
 * Writes a net as an ONNX file: see `exportOnnx`. Constants of more than 2 GiB, or with `externalData` any, go into a file
 * beside it, `NAME.data`. Each file is written whole or not at all, that one first.
 *
 * @throws CortadoError as `exportOnnx` does, and where a file cannot be written
 */
export async function writeOnnx(
  file: string | URL,
  net: NetSource | CompiledNet,
  options?: WriteOnnxOptions,
): Promise<OnnxReport> {
  const { file: target, ...args } = WRITE_ONNX(file, net, options);
  const { externalData, ...taken } = args.options ?? {};
  const besideName = `${basename(target)}.data`;
  const made = await makeTaken(args.net, taken, (bytes) =>
    externalData || bytes > MOST_BYTES ? besideName : undefined,
  );
  const { bytes, beside, ...about } = made;
  try {
    if (beside) await writeFileAtomically(join(dirname(target), besideName), beside);
    await writeFileAtomically(target, bytes);
  } catch (error) {
    throw fileError(`cannot write ${quotedPath(target)}`, error);
  }
  return { out: resolve(target), bytes: bytes.length, ...about, ...(beside && { beside: besideName }) };
}

/** As `exportOnnx`, with what is in the file. */
export async function makeOnnx(net: NetSource | CompiledNet, options?: ExportOptions): Promise<OnnxFile> {
  const args = EXPORT_ONNX(net, options);
  return makeTaken(args.net, args.options ?? {}, () => undefined);
}

/** @param besideFor the name of the file for constants of so many bytes, where they do not go into the model's own */
async function makeTaken(
  net: CompiledNet | NetDef | Unread,
  taken: TakenExportOptions,
  besideFor: (bytes: number) => string | undefined,
): Promise<OnnxFile> {
  const known = internalsOf(net as CompiledNet);
  if (known) {
    const unread = [...NET_OPTIONS, "batch" as const, "dynamicBatch" as const].filter(
      (name) => taken[name] !== undefined,
    );
    if (unread.length > 0)
      throw userError(
        `exportOnnx of a net that is compiled has no option ${unread.map(quoted).join(", ")}`,
        "give them to compile, or pass the net's text",
      );
    const { definition } = net as CompiledNet;
    const measure = (): Promise<Int8Report> => quantiseCompiled(net as CompiledNet, taken);
    return write({ ...known, definition, device: known.hold.device }, taken, { measure, besideFor });
  }
  const source = net as NetDef | Unread;
  const { opset, batch, dynamicBatch, float16, fold, int8, ...rest } = taken;
  const { keep, backward, train, solver, ...given } = rest;
  let own: NetOptions & { readonly phase: "TRAIN" | "TEST" } = {
    ...given,
    phase: given.phase ?? (train ? "TRAIN" : "TEST"),
  };
  if (batch !== undefined) {
    const first = await lowerNetOf(source, own);
    own = { ...own, shapes: shapesFor(first, batchOf(first, "batch"), batch) };
  }
  const { phase, seed = DEFAULT_SEED } = own;
  const { definition, lower, feeds } = await readNet(source, own, { phase, seed });
  await feeds.close();
  const lowered = lower();
  const { values } = await buildWeights(lowered, seed, own.weights);
  const device = await openDevice({ name: "ts" }, { dtype: "float32", fma: "auto" });
  try {
    const params = { dtype: "float32", memories: values.map(paramIn) } as const;
    const measure = (): Promise<Int8Report> => quantiseSource(source, own, taken);
    const twin = dynamicBatch ? await otherBatch(source, lowered, own) : undefined;
    return await write({ definition, lowered, params, device }, taken, { twin, measure, besideFor });
  } finally {
    await device.close();
  }
}

/** What is written: a net as graph, and its parameters. */
interface Exported extends GraphSource {
  readonly definition: NetDef;
}

/** A layer by the origin of its nodes, for a sentence. */
function layerIn({ layers }: LoweredNet, origin: string): string {
  const found = layers.find((layer) => layer.origin === origin);
  return quotedLayer(found?.name ?? origin, found?.type);
}

function render(
  lowered: LoweredNet,
  keep: readonly string[],
  objective: FileObjective,
  { opset, ...form }: FileForm & { readonly opset: number },
): OnnxGraph {
  const { graph, order, ...names } = fileGraph(lowered, keep, objective, form);
  const { graph: made, obstacles } = renderOnnx(graph, lowered.builder, { opset, ...names });
  if (obstacles.length > 0)
    throw new CortadoError(
      obstacles.map(({ layer, reason }) => ({
        severity: "error",
        message: `${layerIn(lowered, layer)} cannot be exported: ${reason}`,
      })),
    );
  const places = new Map(order.map((name, place) => [name, place]));
  const placeOf = ({ name }: OnnxGraph["inputs"][number]): number => places.get(name) ?? order.length;
  return { ...made, inputs: [...made.inputs].sort((a, b) => placeOf(a) - placeOf(b)) };
}

/** What is asked for. @throws CortadoError where the net cannot do it, or the solver has mistakes */
async function objectiveOf(
  lowered: LoweredNet,
  { train = false, backward, solver, layers }: TakenExportOptions,
): Promise<FileObjective> {
  if (!train && solver !== undefined)
    throw userError("a solver is of no use without its step", "give train, too; on the command line --train");
  if (train) {
    if (!hasGradient(lowered))
      throw userError("the net has no loss that could be trained", "train is for a net in phase TRAIN");
    return { kind: "step", solver: await buildSolver(solver, layers) };
  }
  const seeds = backwardSeeds(lowered, backward);
  return seeds ? { kind: "backward", seeds } : { kind: "forward" };
}

async function write(
  net: Exported,
  options: TakenExportOptions,
  {
    twin,
    measure,
    besideFor,
  }: {
    readonly twin?: Twin;
    /** What 8 bits cost, where they are asked for. */
    readonly measure: () => Promise<Int8Report>;
    readonly besideFor: (bytes: number) => string | undefined;
  },
): Promise<OnnxFile> {
  const { opset = OPSETS.usual, keep, fold } = options;
  const { lowered, definition } = net;
  requireStaticShapes(lowered, "an ONNX file");
  requireNoFiles(lowered, "an ONNX file");
  const kept = keptBlobs(lowered, keep);
  const objective = await objectiveOf(lowered, options);
  // What cannot be said in ONNX is told before anything is measured, which takes a while.
  if (options.int8) render(lowered, kept, objective, { opset, fold });
  const int8 = options.int8 ? await measure() : undefined;
  const form = { opset, fold, int8: int8 && quantisationOf(int8) };
  const one = render(lowered, kept, objective, form);
  const changing: Changing = twin
    ? withChangingBatch(one, render(twin.lowered, kept, objective, form), twin.rows)
    : { graph: one, extentsOf: (value: Value) => value.shape };
  if ("fixedBy" in changing)
    throw userError(
      `the batch cannot be left open: ${layerIn(lowered, changing.fixedBy)} is written for ${twin?.rows[0]}`,
      "leave out dynamicBatch: the file is then for the batch that the net has",
    );
  const { graph, extentsOf } = changing;
  const types = new Map(lowered.layers.map(({ origin, type }) => [origin, type]));
  const values = await constantValues(graph.initializers, net);
  const { graph: stored, dataOf } = options.float16
    ? withHalfConstants(graph, values)
    : { graph, dataOf: values };
  const constantBytes = stored.initializers.reduce((sum, one) => sum + dataOf(one).byteLength, 0);
  const beside = besideFor(constantBytes);
  if (constantBytes > MOST_BYTES && beside === undefined)
    throw userError(
      `the file's constants take ${showBytes(constantBytes)}, and an ONNX file holds less than 2 GiB`,
      "writeOnnx puts them into a file beside it",
    );
  const name = definition.net.name || "net";
  const encoded = encodeModel(
    stored,
    {
      ...{ name, version: version(), opset, dataOf, extentsOf },
      metadata: {
        "net.sha256": hashOf([bytesOfText(formatNet(definition))]),
        "constants.sha256": hashOf(stored.initializers.map((one) => littleEndianBytes(dataOf(one)))),
      },
      typeOf: (layer) => types.get(layer),
    },
    beside,
  );
  const shown = (list: OnnxGraph["inputs"]): readonly ExportedBlob[] =>
    list.map(({ name: blob, value }) => ({ name: blob, shape: extentsOf(value) }));
  return {
    ...{ ...encoded, opset, constantBytes, inputs: shown(graph.inputs), outputs: shown(graph.outputs) },
    layers: lowered.layers.length,
    nodes: stored.nodes.length,
    ...(int8 && { int8 }),
  };
}
