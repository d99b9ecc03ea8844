/**
 * What a gradient check makes at random: a net, and the choices it is made of. The choices are a list of numbers, so that
 * whoever searches for a smaller net shrinks those: 0 always stands for the simplest choice.
 */
import type { Shape } from "../../codegen/ir/graph.js";
import { type Draw, knownLayerTypes, type LayerType, type Values } from "../layers/index.js";

/** A net and what its inputs may hold. */
export interface RandomNet {
  /** Its prototxt: inputs are Input layers. */
  readonly text: string;
  readonly inputs: readonly InputDomain[];
  /** Of the values: inputs, parameters, seeds, direction. */
  readonly seed: number;
}

export interface InputDomain {
  readonly blob: string;
  readonly shape: Shape;
  readonly values: Values;
  /** Whether the net is smooth in it. */
  readonly differentiable: boolean;
}

/** Makes a net of choices. Its values come from a seed of their own. */
export type MakeNet = (draw: Draw) => Omit<RandomNet, "seed">;

/** Each choice is a number below 2 to this power. */
export const CHOICE_BITS = 30;

/** Turns a list of numbers into choices; when it is used up, every choice is the simplest. */
export function drawFrom(choices: readonly number[]): Draw {
  let used = 0;
  const next = (): number => choices[used++] ?? 0;
  const draw: Draw = {
    integer: (min, max) => min + (next() % (max - min + 1)),
    real: (min, max) => min + (next() / 2 ** CHOICE_BITS) * (max - min),
    boolean: () => next() % 2 === 1,
    of: (values) => values[next() % values.length],
  };
  return draw;
}

/** A layer type that has a gradient. */
export const isDifferentiable = (type: LayerType): boolean =>
  type.lower !== undefined && type.domain?.differentiable?.length !== 0 && type.tops.exact !== 0;

/** Every type of Cortado's own that has a gradient. */
export const differentiableTypes = (): readonly LayerType[] =>
  [...knownLayerTypes().values()].filter(isDifferentiable);
