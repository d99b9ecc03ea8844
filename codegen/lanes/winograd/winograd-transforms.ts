import type { Value } from "../../kernel/kernel.js";
import { constant, fma, type KernelWriter, plus, times } from "../../kernel/writer.js";

/*
 * Winograd's minimal filtering, F(m × m, r × r) with m + r − 1 = 6: an m × m block of outputs of an r × r filter from 36
 * products instead of m² r². Polynomials are evaluated at 0, ±a, ±b and ∞ (Lavin and Gray, "Fast algorithms for
 * convolutional neural networks", 2015):
 *
 *     y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A
 *
 * and, the same read backwards, the gradient of w is Gᵀ [ Σ (A dy Aᵀ) ⊙ (Bᵀ x B) ] G, and what a tile adds to that of x
 * B [ Σ (G w Gᵀ) ⊙ (A dy Aᵀ) ] Bᵀ.
 */

/**
 * The points a and b. With 1 and 2, as usual, what the transforms multiply by is small integers, and results in float32
 * are off by twice as much: positions' shares of a result are then less alike. 0.75 and 1.5 were among the best of a search;
 * they and their squares have few digits.
 */
const [NEAR, FAR] = [3 / 4, 3 / 2];
const [NEAR2, FAR2] = [NEAR ** 2, FAR ** 2];
/** (x² − a²)(x² − b²) = x⁴ − MIDDLE x² + LAST */
const [MIDDLE, LAST] = [NEAR2 + FAR2, NEAR2 * FAR2];
/** Π (p − q) over the other points q, for p = ±a and for p = ±b. */
const [OF_NEAR, OF_FAR] = [2 * NEAR2 * (NEAR2 - FAR2), 2 * FAR2 * (FAR2 - NEAR2)];

/** Points of evaluation along an axis, and of a tile. */
export const POINTS = 6;
export const POSITIONS = POINTS * POINTS;

/** One axis of a transform: as many values to as many others, straight-line. */
export type Transform = (writer: KernelWriter, x: readonly Value[]) => readonly Value[];

const minus = (a: Value, b: Value): Value => ({ kind: "binary", op: "sub", a, b });
const scaled = (factor: number, x: Value): Value => times(constant(factor), x);
/** factor · a + b */
const step = (factor: number, a: Value, b: Value): Value => fma(constant(factor), a, b);

/** Bᵀ: six neighbouring inputs. */
export const inputTransform: Transform = (writer, [x0, x1, x2, x3, x4, x5]) => {
  const even = writer.real(step(-FAR2, x2, x4));
  const odd = writer.real(step(-FAR2, x1, x3));
  const even2 = writer.real(step(-NEAR2, x2, x4));
  const odd2 = writer.real(step(-NEAR2, x1, x3));
  return [
    step(LAST, x0, step(-MIDDLE, x2, x4)),
    step(NEAR, odd, even),
    step(-NEAR, odd, even),
    step(FAR, odd2, even2),
    step(-FAR, odd2, even2),
    step(LAST, x1, step(-MIDDLE, x3, x5)),
  ].map((x) => writer.real(x));
};

/** G: the r elements of a filter, at each point, times what the points' Lagrange polynomials ask for. */
export const filterTransform: Transform = (writer, w) => {
  const [even, odd] = [alternate(writer, w, NEAR, 0), alternate(writer, w, NEAR, 1)];
  const [even2, odd2] = [alternate(writer, w, FAR, 0), alternate(writer, w, FAR, 1)];
  return [
    scaled(1 / LAST, w[0]),
    scaled(1 / OF_NEAR, plus(even, odd)),
    scaled(1 / OF_NEAR, minus(even, odd)),
    scaled(1 / OF_FAR, plus(even2, odd2)),
    scaled(1 / OF_FAR, minus(even2, odd2)),
    w[w.length - 1],
  ].map((x) => writer.real(x));
};

/** Σ pointⁱ x[i] over the even, or the odd, i. */
function alternate(writer: KernelWriter, x: readonly Value[], point: number, first: 0 | 1): Value {
  let sum: Value | undefined;
  for (let i = first; i < x.length; i += 2) {
    const factor = point ** i;
    if (!sum) sum = factor === 1 ? x[i] : scaled(factor, x[i]);
    else sum = factor === 1 ? plus(sum, x[i]) : step(factor, x[i], sum);
  }
  return sum ? writer.real(sum) : constant(0);
}

/** Sums and differences of what belongs to opposite points: near and far, for even powers and for odd ones. */
function opposites(writer: KernelWriter, x: readonly Value[]) {
  const pairs = (of: (a: Value, b: Value) => Value): readonly [Value, Value] => [
    writer.real(of(x[1], x[2])),
    writer.real(of(x[3], x[4])),
  ];
  return [pairs(plus), pairs(minus)] as const;
}

/** Aᵀ: six positions to m outputs. */
export const outputTransform =
  (m: number): Transform =>
  (writer, x) => {
    const both = opposites(writer, x);
    return Array.from({ length: m }, (_, i) => {
      const [near, far] = both[i % 2];
      let y = i === 0 ? plus(near, far) : step(FAR ** i, far, scaled(NEAR ** i, near));
      if (i === 0) y = plus(x[0], y);
      if (i === m - 1) y = plus(y, x[POINTS - 1]);
      return writer.real(y);
    });
  };

/** B: six positions to six neighbouring inputs. */
export const inputAdjoint: Transform = (writer, y) => {
  const [[sum, sum2], [difference, difference2]] = opposites(writer, y);
  const inside = (near: number, far: number): Value => step(near, difference, scaled(far, difference2));
  return [
    scaled(LAST, y[0]),
    step(LAST, y[5], inside(-NEAR * FAR2, -FAR * NEAR2)),
    step(-MIDDLE, y[0], step(-FAR2, sum, scaled(-NEAR2, sum2))),
    step(-MIDDLE, y[5], inside(NEAR, FAR)),
    plus(y[0], plus(sum, sum2)),
    y[5],
  ].map((x) => writer.real(x));
};

/** A: the gradients of m outputs to six positions. */
export const outputAdjoint: Transform = (writer, y) => {
  const [even, odd] = [alternate(writer, y, NEAR, 0), alternate(writer, y, NEAR, 1)];
  const [even2, odd2] = [alternate(writer, y, FAR, 0), alternate(writer, y, FAR, 1)];
  return [
    y[0],
    plus(even, odd),
    minus(even, odd),
    plus(even2, odd2),
    minus(even2, odd2),
    y[y.length - 1],
  ].map((x) => writer.real(x));
};

/** Gᵀ: six positions to the r elements of a filter. */
export const filterAdjoint =
  (r: number): Transform =>
  (writer, u) => {
    const both = opposites(writer, u);
    return Array.from({ length: r }, (_, j) => {
      const [near, far] = both[j % 2];
      let w = step(FAR ** j / OF_FAR, far, scaled(NEAR ** j / OF_NEAR, near));
      if (j === 0) w = step(1 / LAST, u[0], w);
      if (j === r - 1) w = plus(w, u[POINTS - 1]);
      return writer.real(w);
    });
  };

/**
 * A transform along both axes of a square: `x` reads the element of a row and a column, which is then there once. Rows
 * of the result are handed on one by one, so that the last half of the work needs few registers.
 */
export function transformSquare(
  writer: KernelWriter,
  transform: Transform,
  size: number,
  x: (row: number, column: number) => Value,
  each: (row: number, values: readonly Value[]) => void,
): void {
  const numbers = Array.from({ length: size }, (_, i) => i);
  const columns = numbers.map((column) =>
    transform(
      writer,
      numbers.map((row) => writer.real(x(row, column))),
    ),
  );
  columns[0].forEach((_, row) => {
    each(
      row,
      transform(
        writer,
        columns.map((column) => column[row]),
      ),
    );
  });
}
