import { join } from "node:path";
import { type Shape, sameShape } from "../codegen/ir/graph.js";
import { InternalError, present, userError } from "../proto/errors/index.js";
import { showShape } from "../proto/words/amounts.js";
import { logged, quoted, quotedPath } from "../proto/words/names.js";
import { inTemporaryFolder } from "../runtime/leftovers.js";
import { toFloat32 } from "../runtime/net/float32.js";
import type { Blobs } from "../runtime/net-types.js";
import { timesIn } from "./export/changing-batch.js";
import { fileGraph, outputNodes } from "./export/file-graph.js";
import { findOnnxRuntime } from "./export/find-onnxruntime.js";
import type { OnnxRuntime, OnnxValues, Surroundings } from "./export/onnx-runtime.js";
import { type Int8Report, quantisationOf } from "./export/quantise-net.js";
import { loadGraph } from "./export/run-graph.js";
import { type ExportOptions, type OnnxReport, writeOnnx } from "./export-onnx.js";
import { inputDomains } from "./gradcheck/input-domains.js";
import { randomNetValues } from "./gradcheck/net-values.js";
import { writeRandomParameters } from "./gradcheck/random-parameters.js";
import { inputName } from "./layers/index.js";
import {
  type BlobDifference,
  blobsInOrder,
  DEFAULT_BOUND,
  distance,
  namesOf,
} from "./net/blob-differences.js";
import { compile } from "./net/compile.js";
import type { CompiledNet } from "./net/compiled-net.js";
import { internalsOf, type NetInternals } from "./net/internals.js";
import { keptBlobs } from "./net/objective.js";
import type { NetDef } from "./net-text/index.js";

/** What became of a file that another program ran. */
export interface OnnxVerification {
  /** What ran it, with its version. */
  readonly runtime: string;
  readonly bound: number;
  /** Every blob, by a second file that has all as outputs, in the order in which they are computed. */
  readonly blobs: readonly BlobDifference[];
  /** Whether these were computed with random parameters, for the net was given none. */
  readonly randomParameters: boolean;
  /** The outputs of the file itself; with random parameters the worse of these and of a file like it that has those. */
  readonly outputs: readonly BlobDifference[];
  /** The first that differs by more than the bound, and in which file. */
  readonly first: (BlobDifference & { readonly of: "blobs" | "outputs" }) | undefined;
  /** The greatest relative L2 distance of all. */
  readonly greatest: number;
}

/** The same of a file whose weights have 11 bits. */
const HALF_BOUND = 1e-2;
/** Of one in 8 bits, against its own graph: where a value lies just between two levels, sums in another order tip it over. */
const INT8_BOUND = 5e-2;

export interface VerifyOptions extends Surroundings {
  readonly bound?: number;
  /** Of inputs that nothing feeds, and of parameters where the net was given none. Default 1. */
  readonly seed?: number;
}

/**
 * Runs a file that `writeOnnx` wrote by onnxruntime and compares it with what the net computes: its outputs, and, by a second
 * file for this alone, every blob, so that the first that differs names the layer to look at.
 *
 * @param report what `writeOnnx` gave
 * @param net and `options` what it was given
 * @throws CortadoError where there is no onnxruntime, or it does not take the file
 */
export async function verifyOnnx(
  report: Pick<OnnxReport, "out" | "opset" | "inputs" | "outputs" | "int8">,
  net: NetDef,
  options: ExportOptions,
  { bound = DEFAULT_BOUND, seed = 1, ...surroundings }: VerifyOptions,
): Promise<OnnxVerification> {
  const runtime = await findOnnxRuntime(surroundings);
  const { phase, weights, root, layers, stages, level, seed: ofFillers } = options;
  const compiled = await compile(net, {
    ...{ phase, weights, root, layers, stages, level, seed: ofFillers },
    shapes: options.batch === undefined ? options.shapes : shapesOf(report.inputs, options.batch),
    keep: "all",
  });
  try {
    const internals = present(internalsOf(compiled), "a compiled net's internals");
    const given = randomInputs(compiled, internals, seed);
    const comparing: Comparing = { net: compiled, internals, runtime, bound, read: compiled.read };
    const least = report.int8 ? INT8_BOUND : options.float16 ? HALF_BOUND : 0;
    await forwardOnce(compiled, internals, given);
    const ofFile: Comparing = {
      ...comparing,
      bound: Math.max(bound, least),
      ...(report.int8 && { read: await readQuantised(report.int8, options, internals) }),
    };
    const own = await compare(report, ofFile);
    const randomParameters = weights === undefined && internals.lowered.params.length > 0;
    // Of a net to be deployed all parameters are zeros, and all blobs equal, whatever the file does.
    if (randomParameters) {
      await writeRandomParameters(compiled, seed);
      await forwardOnce(compiled, internals, given);
    }
    const { blobs, outputs } = await inTemporaryFolder("onnx", async (folder) => {
      const { opset } = report;
      const all = await writeOnnx(join(folder, "all-blobs.onnx"), compiled, { opset, keep: "all" });
      const blobs = await compare(all, comparing);
      // Ranges that were measured with other parameters would not fit these.
      if (!randomParameters || report.int8) return { blobs, outputs: own };
      const { keep, fold, float16 } = options;
      const same = await writeOnnx(join(folder, "same.onnx"), compiled, { opset, keep, fold, float16 });
      const others = await compare(same, ofFile);
      return { blobs, outputs: own.map((one, i) => (others[i].relative > one.relative ? others[i] : one)) };
    });
    const first = firstOf(blobs, "blobs") ?? firstOf(outputs, "outputs");
    const greatest = Math.max(...[...blobs, ...outputs].map(({ relative }) => relative));
    return { runtime: runtime.name, bound, blobs, randomParameters, outputs, first, greatest };
  } finally {
    await compiled.close();
  }
}

/** A forward pass that changes nothing: what the net carries on to the next one, an LSTM its state, is what it was, as in the files. */
async function forwardOnce(
  net: CompiledNet,
  { lowered, params }: NetInternals,
  given: Blobs | undefined,
): Promise<void> {
  const carried = lowered.updates.map(({ param }) => params.memories[param]);
  const before = await Promise.all(carried.map((memory) => memory.read()));
  await net.forward(given);
  for (const [i, memory] of carried.entries()) await memory.write(before[i]);
}

/** The shapes of a file's inputs for a batch: an extent that is open is so many times as great. */
const shapesOf = (inputs: OnnxReport["inputs"], batch: number): ExportOptions["shapes"] =>
  Object.fromEntries(
    inputs.map(({ name, shape }) => [
      name,
      shape.map((extent) => (typeof extent === "number" ? extent : batch * timesIn(extent))),
    ]),
  );

const firstOf = <O extends "blobs" | "outputs">(all: readonly BlobDifference[], of: O) => {
  const found = all.find(({ differs }) => differs);
  return found && { ...found, of };
};

/** Values for inputs that no data layer feeds, as the layers that read them need them; undefined where there are none. */
function randomInputs(net: CompiledNet, { lowered, unfed }: NetInternals, seed: number): Blobs | undefined {
  if (unfed.length === 0) return undefined;
  const { inputs } = randomNetValues(
    { text: "", inputs: inputDomains(lowered, net.definition), seed },
    { ...lowered, params: [] },
  );
  const given: Blobs = Object.create(null);
  for (const blob of unfed) given[blob] = Float32Array.from(inputs.get(blob) ?? []);
  return given;
}

/**
 * Outputs of a file in 8 bits as the graph that it was written from has them: what that loses against the net is what was measured
 * when it was written.
 */
async function readQuantised(
  report: Int8Report,
  { keep }: ExportOptions,
  { lowered, params, hold: { device }, running }: NetInternals,
): Promise<Comparing["read"]> {
  const form = { int8: quantisationOf(report) };
  const { graph, outputs } = fileGraph(lowered, keptBlobs(lowered, keep), { kind: "forward" }, form);
  const nodes = outputNodes(graph, outputs);
  const loaded = await loadGraph([...nodes.values()], { lowered, params, device });
  try {
    const runner = running.current()?.runner;
    const inputs = new Map<string, Float32Array>();
    for (const input of loaded.inputs)
      inputs.set(input, Float32Array.from(toFloat32((await runner?.readInput(input)) ?? new Float32Array())));
    await loaded.run(inputs);
    const values = new Map<string, Float32Array>();
    for (const [name, node] of nodes) values.set(name, await loaded.read(node));
    return async (blob) => present(values.get(blob), "an output of the file");
  } finally {
    await loaded.close();
  }
}

interface Comparing {
  readonly net: CompiledNet;
  readonly internals: NetInternals;
  readonly runtime: OnnxRuntime;
  readonly bound: number;
  /** What a blob is to be. */
  readonly read: (blob: string) => Promise<Float32Array>;
}

/** Runs a file on what the net ran on last, and compares its outputs with the net's blobs. */
async function compare(
  { out, inputs, outputs }: Pick<OnnxReport, "out" | "inputs" | "outputs">,
  { net, internals, runtime, bound, read }: Comparing,
): Promise<readonly BlobDifference[]> {
  const given: OnnxValues[] = [];
  for (const { name } of inputs) {
    const shape = internals.lowered.inputs.get(name);
    const values = await internals.running.current()?.runner.readInput(inputName(name));
    if (!shape || !values)
      throw userError(`input ${quoted(name)} of the file is no input of the net: it cannot be verified`);
    given.push({ shape, data: Float32Array.from(toFloat32(values)) });
  }
  const made = await runtime.run(out, given).catch((error: unknown) => {
    const words = error instanceof Error ? error.message : String(error);
    throw userError(
      `${runtime.name} cannot run ${quotedPath(out)}: ${logged(words)}`,
      "an old one may not know the file's operators: --opset takes a lower version",
    );
  });
  const byBlob = new Map(outputs.map(({ name }, place) => [name, made[place]]));
  const differences: BlobDifference[] = [];
  for (const blob of blobsInOrder(net, [...byBlob.keys()])) {
    const other = present(byBlob.get(blob), "an output of the file");
    const about = namesOf(net, blob);
    checkShape(about.shape, other.shape, blob);
    const here = await read(blob);
    differences.push({ pass: "forward", ...about, ...distance(here, other.data, bound) });
  }
  return differences;
}

function checkShape(here: Shape, there: Shape, blob: string): void {
  if (!sameShape(here, there))
    throw new InternalError(
      `blob ${quoted(blob)} has shape ${showShape(here)}, and ${showShape(there)} in the file`,
    );
}
