import type { ConvGeometry, WindowAxis } from "../graph.js";
import { numberKey, type Scalar, scalarKey } from "../scalar.js";

/** A kind of attribute: what keys, prints and the verifier need to know of its values. */
export interface AttributeKind<T> {
  /** Exact and readable: equal texts, equal values. */
  text(value: T): string;
  /** Whether a value is one. Absent: any is. */
  valid?(value: T): boolean;
  /** Its text follows the one before it without a space. */
  readonly tight?: true;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const areIntegers = (values: object): boolean => Object.values(values).every(Number.isInteger);

/** A name of a net: quoted. */
export const NAME: AttributeKind<string> = { text: (value) => JSON.stringify(value) };
/** A number of elements, an axis, a number in a list: 0, 1, 2, … */
export const COUNT: AttributeKind<number> = { text: String, valid: isCount };
export const VALUE: AttributeKind<number> = { text: numberKey };
export const EXPRESSION: AttributeKind<Scalar> = { text: scalarKey };
export const AXES: AttributeKind<readonly number[]> = {
  text: (axes) => axes.join(","),
  valid: (axes) => axes.every(isCount),
};
/** Of a matrix: whether it is read transposed. */
export const TRANSPOSED: AttributeKind<boolean> = { text: (value) => (value ? "T" : "N"), tight: true };

export const oneOf = <T extends string>(...choices: readonly T[]): AttributeKind<T> => ({
  text: (value) => value,
  valid: (value) => choices.includes(value),
});

export const GEOMETRY: AttributeKind<ConvGeometry> = {
  text: ({ algorithm, groups, spatial }) =>
    `${algorithm ? `${algorithm} ` : ""}g${groups} ${spatial
      .map((s) => `k${s.kernel}s${s.stride}p${s.pad}d${s.dilation}:${s.input}>${s.output}`)
      .join(" ")}`,
  valid: ({ algorithm, groups, spatial }) =>
    (algorithm === undefined || algorithm === "winograd") && isCount(groups) && spatial.every(areIntegers),
};

export const WINDOW: AttributeKind<readonly WindowAxis[]> = {
  text: (window) =>
    window.map((w) => `a${w.axis}k${w.size}s${w.stride}p${w.pad}:${w.extent}>${w.windows}`).join(" "),
  valid: (window) => window.every(areIntegers),
};
