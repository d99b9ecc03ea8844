import type { GraphBuilder } from "../ir/builder.js";
import { type Node, type NodeOf, type Shape, sizeOf } from "../ir/graph.js";
import { add, arg, binary, constant, div, mul, type Scalar, scalarKey, select, unary } from "../ir/scalar.js";

/** Whole numbers that a value is rounded to, times its scale; each is a number, or a node of one element. */
export interface Levels {
  /** The distance between two; or one for each part of the value, which is then broadcast to it. */
  readonly scale: Node;
  readonly least: Node;
  readonly greatest: Node;
}

/**
 * A value as the numbers of few bits that stand for it: `clamp(⌊x / scale + ½⌋, least, greatest) · scale`. Numbers that lie just
 * between two go up; ONNX's go to the even one.
 */
export const quantise = (b: GraphBuilder, x: Node, { scale, least, greatest }: Levels): Node =>
  b.map(mul(LEVEL, arg(1)), [x, scale, least, greatest], x.shape);

const nearest = (x: Scalar, scale: Scalar): Scalar => unary("floor", add(div(x, scale), constant(0.5)));
const clamped = (x: Scalar, least: Scalar, greatest: Scalar): Scalar =>
  binary("min", binary("max", x, least), greatest);
/** The whole number, before it is multiplied by its scale. */
const LEVEL: Scalar = clamped(nearest(arg(0), arg(1)), arg(2), arg(3));

/** The levels of numbers of this many bits with a sign, the same on both sides of 0. @param scale a node, or a number */
export const symmetricLevels = (b: GraphBuilder, scale: Node, greatest: number): Levels => ({
  scale,
  least: b.constant(-greatest, []),
  greatest: b.constant(greatest, []),
});

/** The greatest level of weights, of 8 bits. */
export const GREATEST_WEIGHT = 127;
/** Of biases, of 32: the greatest number below 2³¹ that float32 has. */
export const GREATEST_BIAS = 2 ** 31 - 128;

/** Of each part of a value along an axis the scale with which the greatest number in it is the greatest level. */
export function scalesAlong(b: GraphBuilder, x: Node, axis: number): Node {
  const others = x.shape.flatMap((_, i) => (i === axis ? [] : [i]));
  const greatest = b.reduce("max", b.map(unary("abs", arg(0)), [x]), others);
  const scale = div(arg(0), constant(GREATEST_WEIGHT));
  // Of zeros alone any scale will do.
  return b.map(select("gt", arg(0), constant(0), scale, constant(1)), [greatest]);
}

/** What `quantise` made, of levels that are known. */
export interface Quantisation {
  readonly x: Node;
  /** A number, or a node with one for each part of the value along an axis. */
  readonly scale: number | { readonly node: Node; readonly axis: number };
  readonly least: number;
  readonly greatest: number;
  /** The whole numbers themselves. */
  readonly levels: (b: GraphBuilder) => Node;
}

const numberIn = (x: Scalar): number => (x.kind === "const" ? x.value : Number.NaN);

/** The levels that a node is rounded to; undefined where it is nothing that `quantise` made. */
export function quantisationIn(node: Node): Quantisation | undefined {
  if (node.op !== "map" || node.dtype !== "real") return undefined;
  const { expr } = node;
  if (expr.kind !== "binary" || expr.op !== "mul" || expr.a.kind !== "binary") return undefined;
  const { a: level, b: scale } = expr;
  if (level.op !== "min" || level.a.kind !== "binary" || level.a.op !== "max") return undefined;
  const [least, greatest] = [numberIn(level.a.b), numberIn(level.b)];
  const expected = mul(clamped(nearest(arg(0), scale), constant(least), constant(greatest)), scale);
  if (scalarKey(expr) !== scalarKey(expected)) return undefined;
  const own = scaleIn(node, scale);
  if (own === undefined) return undefined;
  const levels = (b: GraphBuilder): Node => b.map(level, node.inputs, node.shape);
  return { x: node.inputs[0], scale: own, least, greatest, levels };
}

function scaleIn({ inputs, shape }: NodeOf<"map">, scale: Scalar): Quantisation["scale"] | undefined {
  if (scale.kind === "const") return scale.value;
  if (scale.kind !== "arg" || scale.index !== 1) return undefined;
  const [, node] = inputs;
  const axis = axisOf(node.shape, shape);
  return axis === undefined ? undefined : { node, axis };
}

/** The one axis along which a shape has several numbers for another. */
function axisOf(own: Shape, whole: Shape): number | undefined {
  const axis = Math.max(
    0,
    own.findIndex((extent) => extent > 1),
  );
  return sizeOf(own) === own[axis] && own[axis] === whole[axis] ? axis : undefined;
}

/** The levels of a range, of 8 bits: 0 is one of them. */
export function levelsOfRange(
  b: GraphBuilder,
  { least, greatest }: { readonly least: number; readonly greatest: number },
): Levels {
  const numbers = numbersOfRange({ least, greatest });
  return {
    scale: b.constant(numbers.scale, []),
    least: b.constant(numbers.least, []),
    greatest: b.constant(numbers.greatest, []),
  };
}

/** As `levelsOfRange`, as numbers: the scale is one that float32 has. */
export function numbersOfRange(range: { readonly least: number; readonly greatest: number }): {
  readonly scale: number;
  readonly least: number;
  readonly greatest: number;
} {
  const [low, high] = [Math.min(0, range.least), Math.max(0, range.greatest)];
  // Of zeros alone any scale will do.
  const scale = Math.fround((high - low) / LEVELS) || 1;
  const least = Math.max(-LEVELS, Math.min(0, Math.round(low / scale))) + 0;
  return { scale, least, greatest: least + LEVELS };
}

/** Steps between the least and the greatest number of 8 bits. */
const LEVELS = 255;
