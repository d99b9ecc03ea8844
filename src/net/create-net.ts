import { isByName, takeByName } from "../../proto/arguments/given-numbers.js";
import { layerKeys } from "../../proto/words/by-place.js";
import { warn } from "../../runtime/host-process.js";
import type { LoweredNet } from "../layers/index.js";
import type { NetDef } from "../net-text/index.js";
import type { CompiledNet } from "./compiled-net.js";
import { type NetInternals, rememberInternals } from "./internals.js";
import type { CompiledRunner } from "./load-program.js";
import { BACKWARD, FORWARD } from "./net-arguments.js";
import type { RangeRunner } from "./ranges.js";

export interface NetParts {
  readonly definition: NetDef;
  readonly target: CompiledNet["target"];
  readonly internals: NetInternals;
  /** Runs layers of a range: a net of its own, compiled when first asked for. */
  readonly ranges: RangeRunner;
  /** The program whose plan and source are shown. */
  readonly shown: () => CompiledRunner;
  /** Frees what the net holds; called once. Its ranges are closed then. */
  readonly close: () => Promise<void>;
}

/** The public value: plain data, and closures over a running net. */
export function createNet(parts: NetParts): CompiledNet {
  const { definition, target, internals, ranges, shown } = parts;
  let closing: Promise<void> | undefined;
  const { lowered, running } = internals;
  const keys = layerKeys(lowered.layers);
  let blobs = blobsOf(lowered);
  let blobsFor = lowered;
  const lossWeights: Record<string, number> = Object.create(null);
  for (const { blob, weight } of lowered.losses) lossWeights[blob] = weight;
  // As in pycaffe, what a data layer gives is not an input, though a caller may give it all the same.
  const fed = new Set(lowered.feeds.flatMap(({ layer }) => layer.top));
  const warn = warnOnce(definition, lowered);
  const net: CompiledNet = {
    // What is given is taken at the call, whatever stands before it.
    async forward(inputs, given) {
      const { range } = FORWARD(given);
      const taken = inputs === undefined ? undefined : takeByName(inputs);
      return range ? ranges.forward(taken, range) : running.forward(taken);
    },
    async backward(diffs = {}, given) {
      const { range } = BACKWARD(given);
      const taken = takeByName(diffs);
      if (range) return ranges.backward(taken, range);
      if (isByName(taken) && Object.keys(taken).length > 0) warn();
      return running.backward(taken);
    },
    read: running.read,
    readDiff: running.readDiff,
    layers: lowered.layers.map(({ name, type, bottoms, tops, needsBackward, params }, place) => ({
      name,
      key: keys[place],
      type,
      bottoms,
      tops,
      needsBackward,
      params: params.map(({ shape, lrMult, decayMult }) => ({ shape, lrMult, decayMult })),
    })),
    get blobs() {
      const now = running.current()?.lowered ?? lowered;
      if (now !== blobsFor) [blobs, blobsFor] = [blobsOf(now), now];
      return blobs;
    },
    inputs: [...lowered.inputs.keys()].filter((blob) => !fed.has(blob)),
    outputs: lowered.outputs,
    lossWeights,
    params: running.params,
    get plan() {
      return shown().built.plan;
    },
    get source() {
      return shown().built.source;
    },
    target,
    definition,
    close: () => {
      closing ??= parts.close().finally(ranges.close);
      return closing;
    },
  };
  rememberInternals(net, internals);
  return net;
}

/**
 * Tells whoever gives diffs, as one does for the gradient of an input, that there is none: as in Caffe, only what lies
 * above something that learns has a diff.
 */
function warnOnce({ net }: NetDef, { inputs, wanted }: LoweredNet): () => void {
  let due = !net.force_backward && inputs.size > 0 && wanted.inputs.length === 0;
  return () => {
    if (due)
      warn(
        "backward gives no gradients of inputs: nothing that they come through learns",
        "for these, compile with forceBackward: true, or write force_backward: true into the net",
      );
    due = false;
  };
}

/** Shapes of the last forward, where they depend on values. */
function blobsOf(lowered: LoweredNet): CompiledNet["blobs"] {
  const blobs: Record<string, { readonly shape: readonly number[] }> = Object.create(null);
  for (const [name, { shape }] of lowered.blobs) blobs[name] = { shape };
  return blobs;
}
