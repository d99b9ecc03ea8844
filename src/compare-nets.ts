import { sameShape } from "../codegen/ir/graph.js";
import { argumentsOf, flag, integer, optional, optionsOf, real } from "../proto/arguments/argument-rules.js";
import { CortadoError, type Diagnostic, userError } from "../proto/errors/index.js";
import { showShape } from "../proto/words/amounts.js";
import { quoted } from "../proto/words/names.js";
import { toFloat32 } from "../runtime/net/float32.js";
import type { Blobs } from "../runtime/net-types.js";
import { inputDomains } from "./gradcheck/input-domains.js";
import { randomNetValues } from "./gradcheck/net-values.js";
import { inputName } from "./layers/index.js";
import {
  type BlobDifference,
  blobsInOrder,
  DEFAULT_BOUND,
  distance,
  makerOf,
  namesOf,
} from "./net/blob-differences.js";
import type { CompiledNet } from "./net/compiled-net.js";
import { internalsOf } from "./net/internals.js";
import { blobValues, compiledNet } from "./net/net-arguments.js";

export type { BlobDifference } from "./net/blob-differences.js";

export interface CompareOptions {
  /** The greatest relative L2 distance that counts as equal. Default 1e-4; 0 asks for the same numbers. */
  readonly bound?: number;
  /** Compare the diffs of blobs and the gradients of parameters as well. Default false. */
  readonly backward?: boolean;
  /** Of inputs that nobody gives. Default 1. */
  readonly seed?: number;
}

export interface NetComparison {
  /** In the order in which they are computed. */
  readonly blobs: readonly BlobDifference[];
  /** The first that differs by more than the bound. */
  readonly first: BlobDifference | undefined;
  /** Blobs that only one of the nets has. */
  readonly onlyIn: readonly [a: readonly string[], b: readonly string[]];
}

const COMPARE_NETS = argumentsOf("compareNets", {
  a: compiledNet,
  b: compiledNet,
  inputs: optional(blobValues),
  options: optional(
    optionsOf<CompareOptions>("compareNets", { bound: real(0), backward: flag, seed: integer(0) }),
  ),
});

/**
 * Runs two compiled nets on the same inputs and compares every blob that both have: the first that differs, in the
 * order of the schedule, is where to look. Both nets are compiled with `keep: "all"`; they may be of two targets, have
 * two sets of weights, or come from two prototxts that name their blobs alike.
 *
 * Without `inputs`, nets with data layers feed themselves (the first net's batch serves both), and other inputs are
 * random as the layers that read them need. Where a blob is worked on in place, its last value is compared.
 *
 * @throws CortadoError where the nets share no blob, blobs of one name have different shapes, or blobs are not kept
 */
export async function compareNets(
  a: CompiledNet,
  b: CompiledNet,
  inputs?: Readonly<Record<string, Float32Array>>,
  options?: CompareOptions,
): Promise<NetComparison> {
  const { inputs: taken, options: given = {} } = COMPARE_NETS(a, b, inputs, options);
  const { bound = DEFAULT_BOUND, backward = false, seed = 1 } = given;
  const shared = sharedBlobs(a, b);
  const random = randomFor(a, b, seed);
  const batch = givenTo(a, taken, random);
  const outputs = await a.forward(batch);
  await b.forward(await batchFor(a, b, batch, random));

  const blobs: BlobDifference[] = [];
  for (const blob of blobsInOrder(a, shared)) {
    const [x, y] = [await a.read(blob), await b.read(blob)];
    blobs.push({ pass: "forward", ...namesOf(a, blob), ...distance(x, y, bound) });
  }
  if (backward) {
    const seeds = seedsFor(a, b, outputs);
    const [left, right] = [await a.backward(seeds), await b.backward(seeds)];
    for (const layer of [...a.layers].reverse()) {
      const other = right.params[layer.key];
      for (const [i, x] of (left.params[layer.key] ?? []).entries()) {
        if (other?.[i]?.length !== x.length) continue;
        const about = { name: `${layer.key}[${i}]`, layer: layer.name, shape: layer.params[i].shape };
        blobs.push({ pass: "backward", ...about, ...distance(x, other[i], bound) });
      }
      for (const blob of blobsInOrder(a, shared).filter((blob) => makerOf(a, blob) === layer)) {
        const [x, y] = [await a.readDiff(blob), await b.readDiff(blob)];
        blobs.push({ pass: "backward", ...namesOf(a, blob), ...distance(x, y, bound) });
      }
    }
  }
  const own = (net: CompiledNet, other: CompiledNet): readonly string[] =>
    Object.keys(net.blobs).filter((blob) => !Object.hasOwn(other.blobs, blob));
  return { blobs, first: blobs.find(({ differs }) => differs), onlyIn: [own(a, b), own(b, a)] };
}

/** Blobs of both, kept by both. @throws CortadoError with everything that keeps them from being compared */
function sharedBlobs(a: CompiledNet, b: CompiledNet): readonly string[] {
  const shared = Object.keys(a.blobs).filter((blob) => Object.hasOwn(b.blobs, blob));
  if (shared.length === 0) throw userError("the two nets have no blob of the same name");
  const mistakes = shared.flatMap((blob): Diagnostic[] => {
    const [x, y] = [a.blobs[blob].shape, b.blobs[blob].shape];
    return sameShape(x, y)
      ? []
      : [
          {
            severity: "error",
            message: `blob ${quoted(blob)} has shape ${showShape(x)} in one net and ${showShape(y)} in the other`,
          },
        ];
  });
  for (const [which, net] of [
    ["first", a],
    ["second", b],
  ] as const) {
    const kept = new Set(internalsOf(net)?.keep);
    if (shared.some((blob) => !kept.has(blob)))
      mistakes.push({
        severity: "error",
        message: `the ${which} net does not keep all the blobs that are to be compared`,
        hint: 'compile it with keep: "all"',
      });
  }
  if (mistakes.length > 0) throw new CortadoError(mistakes);
  return shared;
}

/** Values for every input of both nets, as the layers that read them need them. */
function randomFor(a: CompiledNet, b: CompiledNet, seed: number): ReadonlyMap<string, Float64Array> {
  const random = new Map<string, Float64Array>();
  for (const net of [b, a]) {
    const internals = internalsOf(net);
    if (!internals) continue;
    const { lowered } = internals;
    const values = randomNetValues(
      { text: "", inputs: inputDomains(lowered, net.definition), seed },
      { ...lowered, params: [] },
    );
    for (const [blob, x] of values.inputs) random.set(blob, x);
  }
  return random;
}

/** What is given to the first net: undefined where it feeds itself. */
function givenTo(
  a: CompiledNet,
  inputs: Readonly<Record<string, Float32Array>> | undefined,
  random: ReadonlyMap<string, Float64Array>,
): Blobs | undefined {
  const unfed = internalsOf(a)?.unfed ?? a.inputs;
  if (unfed.length === 0 && inputs === undefined) return undefined;
  const given: Blobs = Object.create(null);
  for (const blob of unfed) given[blob] = Float32Array.from(inputs?.[blob] ?? random.get(blob) ?? []);
  for (const [blob, x] of Object.entries(inputs ?? {})) given[blob] = x;
  return given;
}

/** What the second net is given: everything that the first one ran on. */
async function batchFor(
  a: CompiledNet,
  b: CompiledNet,
  given: Blobs | undefined,
  random: ReadonlyMap<string, Float64Array>,
): Promise<Blobs | undefined> {
  const internals = internalsOf(b);
  if (!internals) return given;
  const batch: Blobs = Object.create(null);
  for (const blob of internals.lowered.inputs.keys()) {
    const fed = await internalsOf(a)?.running.current()?.runner.readInput(inputName(blob));
    const values = fed ? toFloat32(fed) : (given?.[blob] ?? random.get(blob));
    if (values) batch[blob] = Float32Array.from(values);
  }
  return batch;
}

/** Where neither net has a loss, backward starts from the outputs themselves. */
function seedsFor(a: CompiledNet, b: CompiledNet, outputs: Blobs): Blobs | undefined {
  const hasLoss = [a, b].some(({ lossWeights }) => Object.keys(lossWeights).length > 0);
  if (hasLoss) return undefined;
  const seeds: Blobs = Object.create(null);
  for (const blob of a.outputs) if (Object.hasOwn(b.blobs, blob)) seeds[blob] = outputs[blob];
  return seeds;
}
