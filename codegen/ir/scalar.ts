import { InternalError } from "../../proto/errors/index.js";
import {
  type Algebra,
  BINARY,
  type BinaryFunction,
  type BinaryOp,
  COMPARISONS,
  type CompareOp,
  SHAPED,
  type ShapedFunction,
  type ShapedOp,
  UNARY,
  type UnaryFunction,
  type UnaryOp,
} from "./ops/scalar-functions.js";

export type { BinaryOp, CompareOp, ShapedOp, UnaryOp };

/**
 * Scalar expressions: what a `map` node computes for one element, from its operands' elements at the same
 * coordinates (broadcast) and from those coordinates. Immutable; built through the functions below, which fold
 * constants and drop neutral elements, so that equal values are written one way.
 */
export type Scalar =
  | { readonly kind: "const"; readonly value: number }
  /** The element of operand `index`. */
  | { readonly kind: "arg"; readonly index: number }
  /** The element's own coordinate along `axis` of the map's shape, as a number. */
  | { readonly kind: "coord"; readonly axis: number }
  | { readonly kind: "unary"; readonly op: UnaryOp; readonly x: Scalar }
  /** A unary function with one constant parameter. */
  | { readonly kind: "shaped"; readonly op: ShapedOp; readonly x: Scalar; readonly alpha: number }
  | { readonly kind: "binary"; readonly op: BinaryOp; readonly a: Scalar; readonly b: Scalar }
  /** `left cmp right ? then : otherwise`; only the chosen side's value counts, so the other may be NaN. */
  | {
      readonly kind: "select";
      readonly cmp: CompareOp;
      readonly left: Scalar;
      readonly right: Scalar;
      readonly then: Scalar;
      readonly otherwise: Scalar;
    };

export const constant = (value: number): Scalar => ({ kind: "const", value });
export const arg = (index: number): Scalar => ({ kind: "arg", index });
export const coord = (axis: number): Scalar => ({ kind: "coord", axis });

/** The record of a function: what it means, its derivative, cost and text. */
export const unaryFunction = (op: UnaryOp): UnaryFunction => UNARY[op];
export const shapedFunction = (op: ShapedOp): ShapedFunction => SHAPED[op];
export const binaryFunction = (op: BinaryOp): BinaryFunction => BINARY[op];

export function unary(op: UnaryOp, x: Scalar): Scalar {
  const { evaluate, fold } = unaryFunction(op);
  if (x.kind === "const") return constant(evaluate(x.value));
  return fold?.(x, ALGEBRA) ?? { kind: "unary", op, x };
}

export function shaped(op: ShapedOp, x: Scalar, alpha: number): Scalar {
  const { evaluate, fold } = shapedFunction(op);
  if (x.kind === "const") return constant(evaluate(x.value, alpha));
  return fold?.(x, alpha, ALGEBRA) ?? { kind: "shaped", op, x, alpha };
}

export function binary(op: BinaryOp, a: Scalar, b: Scalar): Scalar {
  const { evaluate, fold } = binaryFunction(op);
  if (a.kind === "const" && b.kind === "const") return constant(evaluate(a.value, b.value));
  return fold?.(a, b, ALGEBRA) ?? { kind: "binary", op, a, b };
}

export function select(cmp: CompareOp, left: Scalar, right: Scalar, then: Scalar, otherwise: Scalar): Scalar {
  if (left.kind === "const" && right.kind === "const")
    return COMPARISONS[cmp].holds(left.value, right.value) ? then : otherwise;
  if (scalarKey(then) === scalarKey(otherwise)) return then;
  return { kind: "select", cmp, left, right, then, otherwise };
}

export const add = (a: Scalar, b: Scalar): Scalar => binary("add", a, b);
export const sub = (a: Scalar, b: Scalar): Scalar => binary("sub", a, b);
export const mul = (a: Scalar, b: Scalar): Scalar => binary("mul", a, b);
export const div = (a: Scalar, b: Scalar): Scalar => binary("div", a, b);
export const neg = (x: Scalar): Scalar => unary("neg", x);

/**
 * The derivative in what was not chosen: nothing comes of it, whatever it is multiplied by. As a number it is −0, and so
 * told apart from the factor 0 of a mask, which is multiplied: NaN and infinity become NaN.
 */
export const NOTHING: Scalar = constant(-0);
const isNothing = (x: Scalar): boolean => x.kind === "const" && Object.is(x.value, -0);

/** What a cotangent comes to by a slope: their product, where something comes of it. */
export const passedOn = (cotangent: Scalar, slope: Scalar): Scalar =>
  replace(times(cotangent, slope), (part) => (isNothing(part) ? constant(0) : undefined));

/**
 * a·b, quotients joined, and a choice between a constant and something else (a derivative's usual form) taken outside:
 * g·(y > 0 ? 1 : 0) is y > 0 ? g : g·0.
 */
export function times(a: Scalar, b: Scalar): Scalar {
  if (isNothing(a) || isNothing(b)) return NOTHING;
  if (isMask(b)) return select(b.cmp, b.left, b.right, times(a, b.then), times(a, b.otherwise));
  if (isMask(a)) return select(a.cmp, a.left, a.right, times(a.then, b), times(a.otherwise, b));
  if (a.kind === "unary" && a.op === "neg") return neg(times(a.x, b));
  if (b.kind === "unary" && b.op === "neg") return neg(times(a, b.x));
  if (b.kind !== "binary" || b.a.kind !== "const") return mul(a, b);
  // A constant first: 2x may be infinite where 2g is not.
  if (b.op === "mul") return mul(mul(a, b.a), b.b);
  if (b.op !== "div") return mul(a, b);
  if (a.kind === "const") return div(mul(a, b.a), b.b);
  return b.a.value === 1 && scalarKey(a) !== scalarKey(b) ? div(a, b.b) : mul(a, b);
}

/** A choice of which one side is 0 or 1. */
const isMask = (x: Scalar): x is Extract<Scalar, { kind: "select" }> =>
  x.kind === "select" && [x.then, x.otherwise].some((y) => y.kind === "const" && [0, 1].includes(y.value));

const nameOf = new Map<UnaryFunction, UnaryOp>(
  (Object.keys(UNARY) as UnaryOp[]).map((op) => [unaryFunction(op), op]),
);

/** What the functions' records fold and differentiate with. */
export const ALGEBRA: Algebra<Scalar> = {
  constant,
  unary(of, x) {
    const op = nameOf.get(of);
    if (!op) throw new InternalError("a scalar function that is in no table");
    return unary(op, x);
  },
  neg,
  add,
  sub,
  mul,
  div,
  pow: (a, b) => binary("pow", a, b),
  select,
  valueOf: (x) => (x.kind === "const" ? x.value : undefined),
  operandOf: (of, whole) => (whole.kind === "unary" && whole.op === nameOf.get(of) ? whole.x : undefined),
  same: (a, b) => scalarKey(a) === scalarKey(b),
  times,
  nothing: NOTHING,
};

/** A number as text, exact: −0, infinities and NaN are told apart. */
export const numberKey = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

/** Of expressions that were asked for: they are parts of larger ones, and of many nodes. */
const scalarKeys = new WeakMap<Scalar, string>();

/** An exact key: equal structure, equal key; −0, infinities and NaN are told apart. */
export function scalarKey(x: Scalar): string {
  const key = scalarKeys.get(x) ?? keyFrom(x);
  scalarKeys.set(x, key);
  return key;
}

function keyFrom(x: Scalar): string {
  switch (x.kind) {
    case "const":
      return numberKey(x.value);
    case "arg":
      return `$${x.index}`;
    case "coord":
      return `@${x.axis}`;
    case "unary":
    case "binary":
      return `${x.op}(${partsIn(x).map(scalarKey)})`;
    case "shaped":
      return `${x.op}[${numberKey(x.alpha)}](${scalarKey(x.x)})`;
    case "select":
      return `${x.cmp}(${partsIn(x).map(scalarKey)})`;
    default:
      return x satisfies never;
  }
}

/** What an expression is made of, one level down. */
function partsIn(x: Scalar): readonly Scalar[] {
  switch (x.kind) {
    case "const":
    case "arg":
    case "coord":
      return [];
    case "unary":
    case "shaped":
      return [x.x];
    case "binary":
      return [x.a, x.b];
    case "select":
      return [x.left, x.right, x.then, x.otherwise];
    default:
      return x satisfies never;
  }
}

/** Rebuilds an expression with its leaves replaced; folding happens again on the way up. */
export function substitute(
  x: Scalar,
  leaf: (leaf: Extract<Scalar, { kind: "arg" | "coord" }>) => Scalar,
): Scalar {
  return replace(x, (part) => (part.kind === "arg" || part.kind === "coord" ? leaf(part) : undefined));
}

/** Rebuilds an expression, each outermost part for which `instead` gives something replaced by that. */
export function replace(x: Scalar, instead: (part: Scalar) => Scalar | undefined): Scalar {
  const found = instead(x);
  if (found) return found;
  const inside = (part: Scalar): Scalar => replace(part, instead);
  switch (x.kind) {
    case "const":
    case "arg":
    case "coord":
      return x;
    case "unary":
      return unary(x.op, inside(x.x));
    case "shaped":
      return shaped(x.op, inside(x.x), x.alpha);
    case "binary":
      return binary(x.op, inside(x.a), inside(x.b));
    case "select":
      return select(x.cmp, inside(x.left), inside(x.right), inside(x.then), inside(x.otherwise));
    default:
      return x satisfies never;
  }
}

/** The operands an expression reads, ascending. */
export function argsOf(x: Scalar): readonly number[] {
  const found = new Set<number>();
  for (const part of partsOf(x)) if (part.kind === "arg") found.add(part.index);
  return [...found].sort((a, b) => a - b);
}

/** The axes whose coordinates an expression reads, ascending. */
export function coordsOf(x: Scalar): readonly number[] {
  const found = new Set<number>();
  for (const part of partsOf(x)) if (part.kind === "coord") found.add(part.axis);
  return [...found].sort((a, b) => a - b);
}

/** An expression and everything in it, each before what it is made of. */
function partsOf(x: Scalar): readonly Scalar[] {
  const parts = [x];
  for (let i = 0; i < parts.length; i++) parts.push(...partsIn(parts[i]));
  return parts;
}

/** Arithmetic operations per element; of a choice, the dearer side. */
export function operationCount(x: Scalar): number {
  const counts = partsIn(x).map(operationCount);
  if (x.kind === "select") counts.push(Math.max(...counts.splice(2)));
  return counts.reduce((sum, count) => sum + count, counts.length > 0 ? 1 : 0);
}

/** What an expression costs: operations (a division counts for two), and whether it calls a function of libm. */
export interface ScalarCost {
  readonly operations: number;
  readonly transcendental: boolean;
}

export function scalarCost(x: Scalar): ScalarCost {
  const costs = partsOf(x).map(costOfPart);
  return {
    operations: costs.reduce((sum, { operations }) => sum + operations, 0),
    transcendental: costs.some(({ transcendental }) => transcendental),
  };
}

/** Of the function alone, without what it is applied to. */
function costOfPart(x: Scalar): ScalarCost {
  switch (x.kind) {
    case "unary":
      return UNARY[x.op].cost;
    case "shaped":
      return SHAPED[x.op].cost;
    case "binary":
      return BINARY[x.op].cost;
    default:
      return { operations: x.kind === "select" ? 1 : 0, transcendental: false };
  }
}

/** The value of an expression for given operand values and coordinates: the meaning that every target renders. */
export function evaluateScalar(x: Scalar, args: readonly number[], coords: readonly number[]): number {
  switch (x.kind) {
    case "const":
      return x.value;
    case "arg":
      return args[x.index];
    case "coord":
      return coords[x.axis];
    case "unary":
      return UNARY[x.op].evaluate(evaluateScalar(x.x, args, coords));
    case "shaped":
      return SHAPED[x.op].evaluate(evaluateScalar(x.x, args, coords), x.alpha);
    case "binary":
      return BINARY[x.op].evaluate(evaluateScalar(x.a, args, coords), evaluateScalar(x.b, args, coords));
    case "select":
      return COMPARISONS[x.cmp].holds(
        evaluateScalar(x.left, args, coords),
        evaluateScalar(x.right, args, coords),
      )
        ? evaluateScalar(x.then, args, coords)
        : evaluateScalar(x.otherwise, args, coords);
    default:
      return x satisfies never;
  }
}
