import { join } from "node:path";
import { type Shape, sameShape } from "../codegen/ir/graph.js";
import { InternalError, present, userError } from "../proto/errors/index.js";
import { showShape } from "../proto/words/amounts.js";
import { logged, quoted, quotedPath } from "../proto/words/names.js";
import { inTemporaryFolder } from "../runtime/leftovers.js";
import { toFloat32 } from "../runtime/net/float32.js";
import type { Blobs } from "../runtime/net-types.js";
import { findOnnxRuntime } from "./export/find-onnxruntime.js";
import type { OnnxRuntime, OnnxValues, Surroundings } from "./export/onnx-runtime.js";
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
  report: Pick<OnnxReport, "out" | "opset" | "inputs" | "outputs">,
  net: NetDef,
  options: ExportOptions,
  { bound = DEFAULT_BOUND, seed = 1, ...surroundings }: VerifyOptions,
): Promise<OnnxVerification> {
  const runtime = await findOnnxRuntime(surroundings);
  const { phase, weights, root, layers, stages, level, seed: ofFillers } = options;
  const compiled = await compile(net, {
    ...{ phase, weights, root, layers, stages, level, seed: ofFillers },
    shapes: options.batch === undefined ? options.shapes : shapesOf(report.inputs),
    keep: "all",
  });
  try {
    const internals = present(internalsOf(compiled), "a compiled net's internals");
    const given = randomInputs(compiled, internals, seed);
    const comparing = { net: compiled, internals, runtime, bound };
    const ofFile = { ...comparing, bound: options.float16 ? Math.max(bound, HALF_BOUND) : bound };
    await compiled.forward(given);
    const own = await compare(report, ofFile);
    const randomParameters = weights === undefined && internals.lowered.params.length > 0;
    // Of a net to be deployed all parameters are zeros, and all blobs equal, whatever the file does.
    if (randomParameters) await writeRandomParameters(compiled, seed);
    const { blobs, outputs } = await inTemporaryFolder("onnx", async (folder) => {
      const { opset } = report;
      const all = await writeOnnx(join(folder, "all-blobs.onnx"), compiled, { opset, keep: "all" });
      if (!randomParameters) return { blobs: await compare(all, comparing), outputs: own };
      const { keep, fold, float16 } = options;
      const same = await writeOnnx(join(folder, "same.onnx"), compiled, { opset, keep, fold, float16 });
      await compiled.forward(given);
      const others = await compare(same, ofFile);
      const outputs = own.map((one, i) => (others[i].relative > one.relative ? others[i] : one));
      return { blobs: await compare(all, comparing), outputs };
    });
    const first = firstOf(blobs, "blobs") ?? firstOf(outputs, "outputs");
    const greatest = Math.max(...[...blobs, ...outputs].map(({ relative }) => relative));
    return { runtime: runtime.name, bound, blobs, randomParameters, outputs, first, greatest };
  } finally {
    await compiled.close();
  }
}

/** Extents that are all numbers. */
const shapesOf = (inputs: OnnxReport["inputs"]): ExportOptions["shapes"] =>
  Object.fromEntries(
    inputs.map(({ name, shape }) => [name, shape.filter((extent) => typeof extent === "number")]),
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

interface Comparing {
  readonly net: CompiledNet;
  readonly internals: NetInternals;
  readonly runtime: OnnxRuntime;
  readonly bound: number;
}

/** Runs a file on what the net ran on last, and compares its outputs with the net's blobs. */
async function compare(
  { out, inputs, outputs }: Pick<OnnxReport, "out" | "inputs" | "outputs">,
  { net, internals, runtime, bound }: Comparing,
): Promise<readonly BlobDifference[]> {
  const given: OnnxValues[] = [];
  for (const { name } of inputs) {
    const shape = internals.lowered.inputs.get(name);
    const read = await internals.running.current()?.runner.readInput(inputName(name));
    if (!shape || !read)
      throw userError(`input ${quoted(name)} of the file is no input of the net: it cannot be verified`);
    given.push({ shape, data: Float32Array.from(toFloat32(read)) });
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
    const here = await net.read(blob);
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
