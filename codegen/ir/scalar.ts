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

/** `softplus` is log(1 + eˣ) computed without overflow; `sign(0)` is 0; `relu` is max(x, 0). */
export type UnaryOp =
  | "neg"
  | "abs"
  | "sign"
  | "exp"
  | "log"
  | "sqrt"
  | "tanh"
  | "sigmoid"
  | "softplus"
  | "relu"
  | "floor";

/** `leakyRelu`: x > 0 ? x : alpha·x. `elu`: x > 0 ? x : alpha·(eˣ − 1). */
export type ShapedOp = "leakyRelu" | "elu";

/** `max(a, b)` is a > b ? a : b, `min(a, b)` is a < b ? a : b: the second operand on a tie, as Caffe's Eltwise. */
export type BinaryOp = "add" | "sub" | "mul" | "div" | "pow" | "max" | "min";

export type CompareOp = "gt" | "ge" | "lt" | "le" | "eq" | "ne";

export const constant = (value: number): Scalar => ({ kind: "const", value });
export const arg = (index: number): Scalar => ({ kind: "arg", index });
export const coord = (axis: number): Scalar => ({ kind: "coord", axis });

const isConst = (x: Scalar, value: number): boolean => x.kind === "const" && Object.is(x.value, value);

export function unary(op: UnaryOp, x: Scalar): Scalar {
  if (x.kind === "const") return constant(evaluateUnary(op, x.value));
  if (op === "neg" && x.kind === "unary" && x.op === "neg") return x.x;
  return { kind: "unary", op, x };
}

export function shaped(op: ShapedOp, x: Scalar, alpha: number): Scalar {
  if (x.kind === "const") return constant(evaluateShaped(op, x.value, alpha));
  if (op === "leakyRelu" && alpha === 0) return unary("relu", x);
  return { kind: "shaped", op, x, alpha };
}

export function binary(op: BinaryOp, a: Scalar, b: Scalar): Scalar {
  if (a.kind === "const" && b.kind === "const") return constant(evaluateBinary(op, a.value, b.value));
  switch (op) {
    case "add":
      if (isConst(a, 0)) return b;
      if (isConst(b, 0)) return a;
      break;
    case "sub":
      if (isConst(b, 0)) return a;
      if (isConst(a, 0)) return unary("neg", b);
      break;
    case "mul":
      if (isConst(a, 1)) return b;
      if (isConst(b, 1)) return a;
      if (isConst(a, -1)) return unary("neg", b);
      if (isConst(b, -1)) return unary("neg", a);
      break;
    case "div":
      if (isConst(b, 1)) return a;
      break;
    case "pow":
      if (isConst(b, 0)) return constant(1);
      if (isConst(b, 1)) return a;
      if (isConst(b, -1)) return binary("div", constant(1), a);
      if (isConst(b, 2)) return binary("mul", a, a);
      if (isConst(b, 0.5)) return unary("sqrt", a);
      break;
    case "max":
    case "min":
      break;
    default:
      op satisfies never;
  }
  return { kind: "binary", op, a, b };
}

export function select(cmp: CompareOp, left: Scalar, right: Scalar, then: Scalar, otherwise: Scalar): Scalar {
  if (left.kind === "const" && right.kind === "const")
    return evaluateCompare(cmp, left.value, right.value) ? then : otherwise;
  if (scalarKey(then) === scalarKey(otherwise)) return then;
  return { kind: "select", cmp, left, right, then, otherwise };
}

export const add = (a: Scalar, b: Scalar): Scalar => binary("add", a, b);
export const sub = (a: Scalar, b: Scalar): Scalar => binary("sub", a, b);
export const mul = (a: Scalar, b: Scalar): Scalar => binary("mul", a, b);
export const div = (a: Scalar, b: Scalar): Scalar => binary("div", a, b);
export const neg = (x: Scalar): Scalar => unary("neg", x);

/** A number as text, exact: −0, infinities and NaN are told apart. */
export const numberKey = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

/** An exact key: equal structure, equal key; −0, infinities and NaN are told apart. */
export function scalarKey(x: Scalar): string {
  switch (x.kind) {
    case "const":
      return numberKey(x.value);
    case "arg":
      return `$${x.index}`;
    case "coord":
      return `@${x.axis}`;
    case "unary":
      return `${x.op}(${scalarKey(x.x)})`;
    case "shaped":
      return `${x.op}[${numberKey(x.alpha)}](${scalarKey(x.x)})`;
    case "binary":
      return `${x.op}(${scalarKey(x.a)},${scalarKey(x.b)})`;
    case "select":
      return `${x.cmp}(${scalarKey(x.left)},${scalarKey(x.right)},${scalarKey(x.then)},${scalarKey(x.otherwise)})`;
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
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    switch (part.kind) {
      case "const":
      case "arg":
      case "coord":
        break;
      case "unary":
      case "shaped":
        parts.push(part.x);
        break;
      case "binary":
        parts.push(part.a, part.b);
        break;
      case "select":
        parts.push(part.left, part.right, part.then, part.otherwise);
        break;
      default:
        part satisfies never;
    }
  }
  return parts;
}

/** Arithmetic operations per element; of a choice, the dearer side. */
export function operationCount(x: Scalar): number {
  switch (x.kind) {
    case "const":
    case "arg":
    case "coord":
      return 0;
    case "unary":
    case "shaped":
      return 1 + operationCount(x.x);
    case "binary":
      return 1 + operationCount(x.a) + operationCount(x.b);
    case "select":
      return (
        1 +
        operationCount(x.left) +
        operationCount(x.right) +
        Math.max(operationCount(x.then), operationCount(x.otherwise))
      );
    default:
      return x satisfies never;
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
      return evaluateUnary(x.op, evaluateScalar(x.x, args, coords));
    case "shaped":
      return evaluateShaped(x.op, evaluateScalar(x.x, args, coords), x.alpha);
    case "binary":
      return evaluateBinary(x.op, evaluateScalar(x.a, args, coords), evaluateScalar(x.b, args, coords));
    case "select":
      return evaluateCompare(
        x.cmp,
        evaluateScalar(x.left, args, coords),
        evaluateScalar(x.right, args, coords),
      )
        ? evaluateScalar(x.then, args, coords)
        : evaluateScalar(x.otherwise, args, coords);
    default:
      return x satisfies never;
  }
}

function evaluateUnary(op: UnaryOp, x: number): number {
  switch (op) {
    case "neg":
      return -x;
    case "abs":
      return Math.abs(x);
    case "sign":
      return x > 0 ? 1 : x < 0 ? -1 : 0;
    case "exp":
      return Math.exp(x);
    case "log":
      return Math.log(x);
    case "sqrt":
      return Math.sqrt(x);
    case "tanh":
      return Math.tanh(x);
    case "sigmoid":
      return 1 / (1 + Math.exp(-x));
    case "softplus":
      return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
    case "relu":
      return x > 0 ? x : 0;
    case "floor":
      return Math.floor(x);
    default:
      return op satisfies never;
  }
}

function evaluateShaped(op: ShapedOp, x: number, alpha: number): number {
  switch (op) {
    case "leakyRelu":
      return x > 0 ? x : alpha * x;
    case "elu":
      return x > 0 ? x : alpha * (Math.exp(x) - 1);
    default:
      return op satisfies never;
  }
}

function evaluateBinary(op: BinaryOp, a: number, b: number): number {
  switch (op) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "div":
      return a / b;
    case "pow":
      return a ** b;
    case "max":
      return a > b ? a : b;
    case "min":
      return a < b ? a : b;
    default:
      return op satisfies never;
  }
}

function evaluateCompare(cmp: CompareOp, a: number, b: number): boolean {
  switch (cmp) {
    case "gt":
      return a > b;
    case "ge":
      return a >= b;
    case "lt":
      return a < b;
    case "le":
      return a <= b;
    case "eq":
      return a === b;
    case "ne":
      return a !== b;
    default:
      return cmp satisfies never;
  }
}
