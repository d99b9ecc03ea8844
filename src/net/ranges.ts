import type { TakenByName } from "../../proto/arguments/given-numbers.js";
import { userError } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { createMessage, type LayerParameter } from "../../proto/index.js";
import { quoted } from "../../proto/words/names.js";
import type { LayerRange } from "../../runtime/net-types.js";
import { amend, type NetDef } from "../net-text/index.js";
import type { CompiledNet } from "./compiled-net.js";
import { internalsOf } from "./internals.js";

/** Runs layers between two names: a net of its own that shares the whole net's parameters. */
export interface RangeRunner {
  forward(inputs: TakenByName, range: LayerRange): ReturnType<CompiledNet["forward"]>;
  backward(diffs: TakenByName, range: LayerRange): ReturnType<CompiledNet["backward"]>;
  close(): Promise<void>;
}

/**
 * A range of layers becomes a net whose inputs are the blobs that the range reads from outside; what the caller
 * does not give of them is read from the whole net, which must have kept it. Compiled at first use.
 */
export function createRanges(
  definition: NetDef,
  whole: () => CompiledNet,
  compileShared: (range: NetDef, shapes: Record<string, readonly number[]>) => Promise<CompiledNet>,
): RangeRunner {
  const compiled = new Map<string, Promise<CompiledNet>>();

  const netOf = (range: LayerRange): Promise<CompiledNet> => {
    const [first, last] = bounds(definition.net.layer, range);
    const blobs = whole().blobs;
    const layers = definition.net.layer.slice(first, last + 1);
    const shapes: Record<string, readonly number[]> = Object.create(null);
    const external = externalBlobs(layers);
    for (const blob of external) shapes[blob] = blobs[blob].shape;
    // Shapes can depend on values: another batch, another net.
    const key = `${first} ${last} ${JSON.stringify(shapes)}`;
    let net = compiled.get(key);
    if (!net) {
      const inputs = external.map(
        (blob): LayerParameter =>
          createMessage("LayerParameter", {
            name: blob,
            type: "Input",
            top: [blob],
            input_param: createMessage("InputParameter", {
              shape: [createMessage("BlobShape", { dim: blobs[blob].shape })],
            }),
          }),
      );
      // Data layers of the range are fed by hand as well: their place in the source belongs to the whole net.
      const fed = internalsOf(whole())?.lowered.inputs;
      for (const layer of layers)
        if (layer.bottom.length === 0)
          for (const top of layer.top) if (fed?.has(top)) shapes[top] = blobs[top].shape;
      const part = amend(definition.net, { layer: [...inputs, ...layers], force_backward: true });
      net = compileShared({ ...definition, net: part }, shapes);
      compiled.set(key, net);
    }
    return net;
  };

  return {
    async forward(inputs, range) {
      const net = await netOf(range);
      // What is no good is refused by that net.
      if (typeof inputs === "string") return net.forward(inputs as never);
      const given = Object.assign(Object.create(null), inputs) as Record<string, Float32Array>;
      for (const name of net.inputs) given[name] ??= await whole().read(name);
      return net.forward(given);
    },
    async backward(diffs, range) {
      const net = await netOf(range);
      return net.backward(diffs as Record<string, Float32Array>);
    },
    async close() {
      // A range that could not be compiled was reported then, and holds nothing.
      for (const net of compiled.values())
        await net.then(
          ({ close }) => close(),
          () => undefined,
        );
    },
  };
}

/** Blobs that layers read and no earlier one of them makes, in order of reading. */
function externalBlobs(layers: readonly LayerParameter[]): readonly string[] {
  const made = new Set<string>();
  const external = new Set<string>();
  for (const layer of layers) {
    for (const bottom of layer.bottom) if (!made.has(bottom)) external.add(bottom);
    for (const top of layer.top) made.add(top);
  }
  return [...external];
}

function bounds(layers: readonly LayerParameter[], { from, to }: LayerRange): readonly [number, number] {
  const find = (name: string | undefined, fallback: number): number => {
    if (name === undefined) return fallback;
    const index = layers.findIndex((layer) => layer.name === name);
    if (index === -1)
      throw userError(
        `The net has no layer ${quoted(name)}`,
        didYouMean(
          name,
          layers.map((layer) => layer.name),
        ),
      );
    return index;
  };
  const first = find(from, 0);
  const last = find(to, layers.length - 1);
  if (first > last)
    throw userError(`Layer ${quoted(layers[first].name)} comes after layer ${quoted(layers[last].name)}`);
  return [first, last];
}
