import { isByName, type TakenByName, type ValuesByName } from "../../proto/arguments/given-numbers.js";
import { userError } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { createMessage, type LayerParameter } from "../../proto/index.js";
import { quoted } from "../../proto/words/names.js";
import type { Part } from "../../runtime/net/latest.js";
import type { Mistake } from "../../runtime/net/mistakes.js";
import type { Running } from "../../runtime/net/running-net.js";
import type { LayerRange } from "../../runtime/net-types.js";
import { amend, type NetDef } from "../net-text/index.js";
import type { CompiledNet } from "./compiled-net.js";
import { lentBy, type NetInternals } from "./internals.js";
import { COMPILED } from "./run-compiled.js";

/** Runs layers between two names: a net of its own that shares the whole net's parameters. */
export interface RangeRunner {
  forward(inputs: TakenByName | undefined, range: LayerRange): ReturnType<CompiledNet["forward"]>;
  backward(diffs: TakenByName, range: LayerRange): ReturnType<CompiledNet["backward"]>;
  close(): Promise<void>;
}

/** A range's net, and what a run of it means to the whole. */
interface RangeNet {
  readonly net: CompiledNet;
  readonly running: Running;
  readonly part: Omit<Part, "keeps" | "repeats">;
}

export interface RangeParts {
  readonly definition: NetDef;
  readonly whole: () => CompiledNet;
  readonly internals: NetInternals;
  /** @param placeOf the place in the whole net of a layer of the range, which takes its parameters from there */
  readonly compileShared: (
    range: NetDef,
    shapes: Record<string, readonly number[]>,
    placeOf: (place: number) => number | undefined,
  ) => Promise<CompiledNet>;
}

/**
 * A range of layers becomes a net whose inputs are the blobs that the range reads from outside; what the caller
 * does not give of them is what the whole net has, which must have kept it. Compiled at first use. Calls are served in
 * turn with those of the whole net, whose `read` and `readDiff` give what a range computed.
 */
export function createRanges({ definition, whole, internals, compileShared }: RangeParts): RangeRunner {
  const { running, lowered } = internals;
  const layers = definition.net.layer;
  const compiled = new Map<string, Promise<RangeNet>>();
  /** Of each blob the first layer that makes it. */
  const makers = new Map<string, number>();
  for (const [place, { top }] of layers.entries())
    for (const blob of top) if (!makers.has(blob)) makers.set(blob, place);

  const make = async (first: number, last: number, shapes: Record<string, readonly number[]>) => {
    const blobs = whole().blobs;
    const own = layers.slice(first, last + 1);
    const inputs = externalBlobs(own).map(
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
    const part = amend(definition.net, { layer: [...inputs, ...own], force_backward: true });
    const placeOf = (place: number) => (place < inputs.length ? undefined : first + place - inputs.length);
    const net = await compileShared({ ...definition, net: part }, shapes, placeOf);
    const { running: inner, params } = lentBy(net);
    return {
      net,
      running: inner,
      part: {
        holder: inner.holder,
        layers: `layers ${quoted(layers[first].name)} to ${quoted(layers[last].name)}`,
        blobs: new Set(Object.keys(net.blobs)),
        params: new Set(params.memories),
      },
    };
  };
  /** Shapes can depend on values: another batch, another net. */
  const placed = (first: number, last: number) => {
    const blobs = whole().blobs;
    const own = layers.slice(first, last + 1);
    const shapes: Record<string, readonly number[]> = Object.create(null);
    for (const blob of externalBlobs(own)) shapes[blob] = blobs[blob].shape;
    // Data layers of the range are fed by hand as well: their place in the source belongs to the whole net.
    for (const layer of own)
      if (layer.bottom.length === 0)
        for (const top of layer.top) if (lowered.inputs.has(top)) shapes[top] = blobs[top].shape;
    return { key: `${first} ${last} ${JSON.stringify(shapes)}`, shapes };
  };

  async function forward(inputs: ValuesByName, first: number, last: number) {
    const { key, shapes } = placed(first, last);
    let made = compiled.get(key);
    if (!made) {
      made = make(first, last, shapes);
      compiled.set(key, made);
    }
    const { net, running: inner, part } = await made;
    const given: Record<string, ValuesByName[string]> = Object.assign(Object.create(null), inputs);
    for (const name of net.inputs) given[name] ??= await running.readNow(name);
    refuse(inner.mistakes(given));

    // A range that goes on from where the net is leaves what lies before it; given its inputs, it is of another pass.
    const goesOn = net.inputs.every((name) => !Object.hasOwn(inputs, name));
    const keeps = (blob: string): boolean => goesOn && (makers.get(blob) ?? 0) < first;
    running.forget(Object.keys(inputs));
    const repeats = goesOn && !lowered.random && lowered.updates.length === 0;
    running.latest.partForward({ ...part, holder: FAILED, keeps, repeats });
    const outputs = await inner.forward(given);
    running.latest.partForward({ ...part, keeps, repeats });
    return outputs;
  }

  async function backward(diffs: TakenByName, first: number, last: number) {
    const made = await compiled.get(placed(first, last).key);
    const what = ` of layers ${quoted(layers[first].name)} to ${quoted(layers[last].name)}`;
    const lacks = running.latest.backwardLacks(made?.part.holder, what);
    if (!made || lacks.length > 0)
      throw COMPILED.error(
        lacks.map((lack) => ({ ...lack, hint: "give forward the same range, then backward" })),
      );
    const gradients = await made.running.backward(diffs);
    running.latest.partBackward({ ...made.part, keeps: () => false, repeats: false });
    return gradients;
  }

  const isWhole = (first: number, last: number): boolean => first === 0 && last === layers.length - 1;
  return {
    async forward(inputs, range) {
      const [first, last] = bounds(layers, range);
      const given = inputs ?? {};
      if (!isByName(given)) throw COMPILED.error(running.mistakes(given));
      const none = Object.keys(given).length === 0;
      if (isWhole(first, last) && (none || whole().inputs.every((name) => Object.hasOwn(given, name))))
        return running.forward(none ? undefined : given);
      return running.inTurn(() => forward(given, first, last));
    },
    async backward(diffs, range) {
      const [first, last] = bounds(layers, range);
      return isWhole(first, last)
        ? running.backward(diffs)
        : running.inTurn(() => backward(diffs, first, last));
    },
    async close() {
      // A range that could not be compiled was reported then, and holds nothing.
      for (const made of compiled.values())
        await made.then(
          ({ net }) => net.close(),
          () => undefined,
        );
    },
  };
}

const refuse = (mistakes: readonly Mistake[]): void => {
  if (mistakes.length > 0) throw COMPILED.error(mistakes);
};

/** While a range runs, and where it failed, its blobs have no value. */
const FAILED: Part["holder"] = (() => {
  const refuse = async (): Promise<never> => {
    throw userError("the last forward of a range failed, and left no values", "run a forward");
  };
  return { value: refuse, diff: refuse, paramDiff: refuse };
})();

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

/** The places of a range's first and last layer. @throws CortadoError with every mistake in it */
function bounds(layers: readonly LayerParameter[], range: LayerRange): readonly [number, number] {
  const mistakes: Mistake[] = [];
  const names = layers.map(({ name }) => name);
  const find = (name: string | undefined, fallback: number): number => {
    if (name === undefined) return fallback;
    // Of several layers of one name the first, as in pycaffe.
    const place = names.indexOf(name);
    if (place === -1)
      mistakes.push({ message: `The net has no layer ${quoted(name)}`, hint: didYouMean(name, names) });
    return place;
  };
  const first = find(range.from, 0);
  const last = find(range.to, layers.length - 1);
  if (mistakes.length === 0 && first > last)
    mistakes.push({ message: `Layer ${quoted(names[first])} comes after layer ${quoted(names[last])}` });
  refuse(mistakes);
  return [first, last];
}
