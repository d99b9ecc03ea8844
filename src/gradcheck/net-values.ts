/** Values for the inputs and parameters of a net under check, from its seed. */

import { type Shape, sizeOf } from "../../codegen/ir/graph.js";
import { present } from "../../proto/errors/index.js";
import { permutation, type RandomStream, randomStream } from "../../runtime/random/index.js";
import type { LoweredNet, Values } from "../layers/index.js";
import type { RandomNet } from "./random-net.js";

/** What a run of a net is given. Parameters are by index. */
export interface NetValues {
  readonly inputs: ReadonlyMap<string, Float64Array>;
  readonly params: readonly Float64Array[];
}

/** Bottoms of different offsets (multiples of 1/4) then differ by a gap too. */
const OFFSET_PARTS = 4;
/** Distinct values are no multiples of their spacing: 0 is a kink of many a layer further up. */
const OFF_ZERO = 0.37;

/** Numbers from −1 to 1 or, with bounds, between those. */
export function uniforms(stream: RandomStream, count: number, min = -1, max = 1): Float64Array {
  return Float64Array.from({ length: count }, () => min + (max - min) * stream.uniform());
}

/** Values as a layer's domain wants them. */
export function randomValues(stream: RandomStream, values: Values, count: number): Float64Array {
  switch (values.kind) {
    case "real": {
      const { min, max, away = [], distance = 0 } = values;
      const good = (x: number): boolean => away.every((kink) => Math.abs(x - kink) >= distance);
      return Float64Array.from({ length: count }, () => {
        for (;;) {
          const x = min + (max - min) * stream.uniform();
          if (good(x)) return x;
        }
      });
    }
    case "distinct": {
      const { gap, offset = 0 } = values;
      const order = permutation(stream, count);
      const spacing = gap * OFFSET_PARTS;
      return Float64Array.from(order, (place) => spacing * (place + offset - count / 2 + OFF_ZERO));
    }
    case "label":
      return Float64Array.from({ length: count }, () =>
        values.or !== undefined && stream.uniform() < 0.2
          ? values.or
          : Math.floor(values.below * stream.uniform()),
      );
    default:
      return values satisfies never;
  }
}

/** Diffs to put on outputs, from a net's seed. */
export function randomDiffs(
  lowered: LoweredNet,
  blobs: readonly string[],
  seed: number,
): ReadonlyMap<string, Float64Array> {
  const stream = randomStream(seed, 1);
  return new Map(
    blobs.map((blob) => [
      blob,
      uniforms(stream, sizeOf(present(lowered.blobs.get(blob), `blob ${blob}`).shape)),
    ]),
  );
}

/** The variance of inputs times this over their count is that of the output (Glorot's scale for uniform weights). */
const WIDE = 3;

/** How large a parameter's elements are: what a deep net computes stays of size 1. */
function reach(shape: Shape): number {
  const fanIn = shape.length > 1 ? sizeOf(shape) / shape[0] : 1;
  return fanIn > WIDE ? Math.sqrt(WIDE / fanIn) : 1;
}

/** Values of every input and parameter. Statistics that a layer keeps are those of one batch. */
export function randomNetValues(net: RandomNet, lowered: LoweredNet): NetValues {
  const stream = randomStream(net.seed, 0);
  const inputs = new Map(
    net.inputs.map(({ blob, shape, values }) => [blob, randomValues(stream, values, sizeOf(shape))]),
  );
  const params = lowered.params.map(({ kind, shape }) =>
    kind === "state"
      ? new Float64Array(sizeOf(shape)).fill(1)
      : uniforms(stream, sizeOf(shape), -reach(shape), reach(shape)),
  );
  return { inputs, params };
}
