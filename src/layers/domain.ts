import type { Shape } from "../../codegen/ir/graph.js";
import type { LayerParameter } from "../../proto/index.js";
import type { ParameterField, ParameterOf } from "./settings.js";

/** Where a property test gets its random choices from. Bounds are included. */
export interface Draw {
  integer(min: number, max: number): number;
  real(min: number, max: number): number;
  boolean(): boolean;
  of<T>(choices: readonly T[]): T;
}

/** What the values of a bottom may be, so that a layer is defined and smooth around them. */
export type Values =
  /**
   * Real numbers from `min` to `max`, at least `distance` from each number in `away`. `bounded`: outside that range
   * the layer is not defined; without it the range is only where tests draw from.
   */
  | {
      readonly kind: "real";
      readonly min: number;
      readonly max: number;
      readonly bounded?: true;
      readonly away?: readonly number[];
      readonly distance?: number;
    }
  /** Every two elements differ by at least `gap`; those of bottoms with different offsets (of 0 … 1) too. */
  | { readonly kind: "distinct"; readonly gap: number; readonly offset?: number }
  /** Integers from 0 to `below` − 1, and now and then `or`: labels. */
  | { readonly kind: "label"; readonly below: number; readonly or?: number };

/** Settings of a layer, by parameter field, as plain values: Caffe's fields, and those that layer types declare. */
export type Settings = { readonly [F in ParameterField]?: Partial<ParameterOf<F>> } & {
  readonly [own: `${string}_param`]: object | undefined;
};

/** What a layer type's test inputs may look like; every part has a default. */
export interface Domain {
  /**
   * Shapes of the bottoms. With `first`, the first bottom has that shape; undefined where the type cannot take it.
   * Default: as many bottoms as the record asks for, all of one shape, of 1 to 4 axes.
   */
  readonly shapes?: (draw: Draw, first?: Shape) => readonly Shape[] | undefined;
  /** Settings that fit those shapes. Default: none. */
  readonly settings?: (draw: Draw, shapes: readonly Shape[]) => Settings;
  /** How many tops. Default: the least that the record allows. */
  readonly tops?: (draw: Draw, shapes: readonly Shape[]) => number;
  /** What the bottoms' values may be. Default: real numbers from −2 to 2. */
  readonly values?: (layer: LayerParameter, shapes: readonly Shape[]) => readonly Values[];
  /** Bottoms that are differentiated, by position. Default: all but labels. Empty for a type without a gradient. */
  readonly differentiable?: readonly number[];
}

/** Values away from a function's kinks: points where its derivative jumps. */
export const awayFrom = (...kinks: readonly number[]): Values => ({
  kind: "real",
  min: -2,
  max: 2,
  away: kinks,
  distance: 0.05,
});

/** A small random shape of `least` to `most` axes; `first` where it has that many. */
export function drawShape(
  draw: Draw,
  first: Shape | undefined,
  least: number,
  most: number,
): Shape | undefined {
  if (first) return first.length >= least && first.length <= most ? first : undefined;
  return drawNewShape(draw, least, most);
}

/** A shape of so many axes. */
export const drawNewShape = (draw: Draw, least: number, most: number): Shape =>
  Array.from({ length: draw.integer(least, most) }, () => draw.integer(1, 5));

/** Two bottoms of one shape. */
export function twoAlike(draw: Draw, first?: Shape): readonly Shape[] {
  const shape = drawShape(draw, first, 1, 4) ?? [2, 3];
  return [shape, shape];
}
