import type { Value } from "../../kernel/kernel.js";
import { constant, fma, type KernelWriter, plus, times } from "../../kernel/writer.js";

/*
 * Winograd's minimal filtering, F(m × m, r × r) with m + r − 1 = 6: an m × m block of outputs of an r × r filter from 36
 * products instead of m² r². Polynomials are evaluated at 0, 1, −1, 2, −2 and ∞ (Lavin and Gray, "Fast algorithms for
 * convolutional neural networks", 2015):
 *
 *     y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A
 *
 * and, the same read backwards, the gradient of w is Gᵀ [ Σ (A dy Aᵀ) ⊙ (Bᵀ x B) ] G, and what a tile adds to that of x
 * B [ Σ (G w Gᵀ) ⊙ (A dy Aᵀ) ] Bᵀ.
 */

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
  const even = writer.real(step(-4, x2, x4));
  const odd = writer.real(step(-4, x1, x3));
  const even2 = writer.real(minus(x4, x2));
  const odd2 = writer.real(scaled(2, minus(x3, x1)));
  return [
    step(4, x0, step(-5, x2, x4)),
    plus(even, odd),
    minus(even, odd),
    plus(even2, odd2),
    minus(even2, odd2),
    step(4, x1, step(-5, x3, x5)),
  ].map((x) => writer.real(x));
};

/** G: the r elements of a filter, at each point, times what the points' Lagrange polynomials ask for. */
export const filterTransform: Transform = (writer, w) => {
  const [even, odd] = [alternate(writer, w, 1, 0), alternate(writer, w, 1, 1)];
  const [even2, odd2] = [alternate(writer, w, 2, 0), alternate(writer, w, 2, 1)];
  return [
    scaled(1 / 4, w[0]),
    scaled(-1 / 6, plus(even, odd)),
    scaled(-1 / 6, minus(even, odd)),
    scaled(1 / 24, plus(even2, odd2)),
    scaled(1 / 24, minus(even2, odd2)),
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

/** Aᵀ: six positions to m outputs. */
export const outputTransform =
  (m: number): Transform =>
  (writer, x) => {
    const [sum, difference] = [writer.real(plus(x[1], x[2])), writer.real(minus(x[1], x[2]))];
    const [sum2, difference2] = [writer.real(plus(x[3], x[4])), writer.real(minus(x[3], x[4]))];
    return Array.from({ length: m }, (_, i) => {
      const [near, far] = i % 2 === 0 ? [sum, sum2] : [difference, difference2];
      let y = i === 0 ? plus(near, far) : step(2 ** i, far, near);
      if (i === 0) y = plus(x[0], y);
      if (i === m - 1) y = plus(y, x[POINTS - 1]);
      return writer.real(y);
    });
  };

/** B: six positions to six neighbouring inputs. */
export const inputAdjoint: Transform = (writer, y) => {
  const [sum, difference] = [writer.real(plus(y[1], y[2])), writer.real(minus(y[1], y[2]))];
  const [sum2, difference2] = [plus(y[3], y[4]), scaled(2, minus(y[3], y[4]))].map((x) => writer.real(x));
  return [
    scaled(4, y[0]),
    minus(step(-4, difference, scaled(4, y[5])), difference2),
    minus(step(-5, y[0], scaled(-4, sum)), sum2),
    plus(step(-5, y[5], difference), difference2),
    plus(y[0], plus(sum, sum2)),
    y[5],
  ].map((x) => writer.real(x));
};

/** A: the gradients of m outputs to six positions. */
export const outputAdjoint: Transform = (writer, y) => {
  const [even, odd] = [alternate(writer, y, 1, 0), alternate(writer, y, 1, 1)];
  const [even2, odd2] = [alternate(writer, y, 2, 0), alternate(writer, y, 2, 1)];
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
    const [sum, difference] = [plus(u[1], u[2]), minus(u[1], u[2])].map((x) =>
      writer.real(scaled(-1 / 6, x)),
    );
    const [sum2, difference2] = [writer.real(plus(u[3], u[4])), writer.real(minus(u[3], u[4]))];
    return Array.from({ length: r }, (_, j) => {
      const [near, far] = j % 2 === 0 ? [sum, sum2] : [difference, difference2];
      let w = step(2 ** j / 24, far, near);
      if (j === 0) w = step(1 / 4, u[0], w);
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
