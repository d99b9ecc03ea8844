import {
  add,
  arg,
  type BinaryOp,
  binary,
  constant,
  div,
  mul,
  neg,
  replace,
  type Scalar,
  type ShapedOp,
  scalarKey,
  select,
  sub,
  type UnaryOp,
  unary,
} from "./scalar.js";

/**
 * How an expression e changes with the operand: by `d`, or (`relative`) by e·k. The second form lets a product or
 * quotient keep its own value as a factor, so that exp, division and negative powers are written with the output.
 * Undefined: not at all.
 */
export type Change =
  | { readonly relative: false; readonly d: Scalar }
  | { readonly relative: true; readonly k: Scalar }
  | undefined;

/** The derivative rule of a scalar function of one operand. It is asked only where the operand changes. */
type UnaryRule<E extends Scalar> = (of: {
  readonly e: E;
  /** Whether e is the whole expression, whose value the derivative may read. */
  readonly isWhole: boolean;
  readonly dx: NonNullable<Change>;
  /** dx as a derivative. */
  readonly inner: Scalar;
}) => Change;

/** The derivative rule of a scalar function of two operands, at least one of which changes. */
type BinaryRule = (of: {
  readonly e: Extract<Scalar, { kind: "binary" }>;
  readonly isWhole: boolean;
  readonly ca: Change;
  readonly cb: Change;
  /** ca and cb as derivatives. */
  readonly da: Scalar | undefined;
  readonly db: Scalar | undefined;
}) => Change;

/** The derivatives of the scalar functions. */
export interface ScalarRules {
  readonly unary: { readonly [K in UnaryOp]: UnaryRule<Extract<Scalar, { kind: "unary" }>> };
  readonly shaped: { readonly [K in ShapedOp]: UnaryRule<Extract<Scalar, { kind: "shaped" }>> };
  readonly binary: { readonly [K in BinaryOp]: BinaryRule };
  /** Of the sides: the condition has no derivative. */
  readonly select: (
    e: Extract<Scalar, { kind: "select" }>,
    then: Scalar | undefined,
    otherwise: Scalar | undefined,
  ) => Change;
}

const ZERO = constant(0);
const ONE = constant(1);
const TWO = constant(2);

/**
 * The derivative of `expr` in operand `index`, over the operands and, as operand number `operands`, the
 * expression's own value. It prefers that value: sigmoid gives y·(1 − y), a quotient in its divisor −y/b. Where
 * there is no derivative it is Caffe's: ReLU and the like take the side of x ≤ 0 at 0, `max(a, b)` and `min(a, b)`
 * go to b on a tie, |x| has 0 at 0; `floor`, `sign`, coordinates and conditions have none.
 */
export function derivative(
  expr: Scalar,
  index: number,
  operands: number,
  rules: ScalarRules = SCALAR_RULES,
): Scalar {
  const whole = scalarKey(expr);
  const isLeaf = expr.kind === "const" || expr.kind === "arg" || expr.kind === "coord";
  const result = absolute(expr, change(expr));
  if (!result) return ZERO;
  return replace(result, (part) =>
    !isLeaf && part.kind === expr.kind && scalarKey(part) === whole ? arg(operands) : undefined,
  );

  function change(e: Scalar): Change {
    const isWhole = e === expr;
    switch (e.kind) {
      case "const":
      case "coord":
        return undefined;
      case "arg":
        return e.index === index ? by(ONE) : undefined;
      case "unary": {
        const dx = change(e.x);
        const inner = absolute(e.x, dx);
        return dx && inner && rules.unary[e.op]({ e, isWhole, dx, inner });
      }
      case "shaped": {
        const dx = change(e.x);
        const inner = absolute(e.x, dx);
        return dx && inner && rules.shaped[e.op]({ e, isWhole, dx, inner });
      }
      case "binary": {
        const [ca, cb] = [change(e.a), change(e.b)];
        const [da, db] = [absolute(e.a, ca), absolute(e.b, cb)];
        return da || db ? rules.binary[e.op]({ e, isWhole, ca, cb, da, db }) : undefined;
      }
      case "select":
        return rules.select(e, absolute(e.then, change(e.then)), absolute(e.otherwise, change(e.otherwise)));
      default:
        return e satisfies never;
    }
  }
}

export const SCALAR_RULES: ScalarRules = {
  unary: {
    neg: ({ dx, inner }) => (dx.relative ? dx : by(neg(inner))),
    abs: ({ e: { x }, inner }) => by(times(inner, unary("sign", x))),
    sign: () => undefined,
    exp: ({ inner }) => ({ relative: true, k: inner }),
    log: ({ e: { x }, inner }) => by(div(inner, x)),
    sqrt: ({ e, inner }) => by(times(inner, div(constant(0.5), e))),
    tanh: ({ e, inner }) => by(times(inner, sub(ONE, mul(e, e)))),
    sigmoid: ({ e, inner }) => by(times(inner, mul(e, sub(ONE, e)))),
    // Its derivative is sigmoid(x), which is 1 − e^−y.
    softplus: ({ e, isWhole, inner }) =>
      by(times(inner, isWhole ? sub(ONE, unary("exp", neg(e))) : unary("sigmoid", e.x))),
    relu: ({ e, isWhole, inner }) => by(times(inner, select("gt", isWhole ? e : e.x, ZERO, ONE, ZERO))),
    floor: () => undefined,
  },
  shaped: {
    leakyRelu: ({ e, isWhole, inner }) =>
      by(times(inner, select("gt", testedBy(e, isWhole), ZERO, ONE, constant(e.alpha)))),
    elu({ e, isWhole, inner }) {
      const alpha = constant(e.alpha);
      const tested = testedBy(e, isWhole);
      const below = tested === e ? add(e, alpha) : mul(alpha, unary("exp", e.x));
      return by(times(inner, select("gt", tested, ZERO, ONE, below)));
    },
  },
  binary: {
    add: ({ da, db }) => by(plus(da, db)),
    sub: ({ da, db }) => by(da ? (db ? sub(da, db) : da) : neg(db!)),
    mul({ e: { a, b }, ca, cb, da, db }) {
      if (ca?.relative && cb?.relative) return { relative: true, k: add(ca.k, cb.k) };
      if (!da) return cb?.relative ? cb : by(times(db!, a));
      if (!db) return ca?.relative ? ca : by(times(da, b));
      if (scalarKey(a) === scalarKey(b)) return by(times(da, mul(TWO, a)));
      return by(add(times(da, b), times(db, a)));
    },
    div({ e, ca, cb, da, db }) {
      const { a, b } = e;
      if (!db) return ca?.relative ? ca : by(div(da!, b));
      if (!da) {
        if (cb?.relative) return { relative: true, k: neg(cb.k) };
        const isReciprocal = a.kind === "const" && a.value === 1;
        return { relative: true, k: neg(isReciprocal ? times(db, e) : div(db, b)) };
      }
      return by(div(sub(da, times(db, e)), b));
    },
    pow({ e, da, db }) {
      const { a, b } = e;
      const inExponent = db && times(db, unary("log", a));
      if (!da) return { relative: true, k: inExponent! };
      // c·a^c/a is c·a^(c−1) also at 0 when c is negative: both are infinite.
      if (!db && b.kind === "const" && b.value < 0) return { relative: true, k: times(da, div(b, a)) };
      const inBase = times(da, mul(b, binary("pow", a, sub(b, ONE))));
      return by(plus(inBase, inExponent && mul(e, inExponent)));
    },
    max: ({ e, isWhole, da, db }) =>
      by(select("gt", isWhole && e.b.kind === "const" ? e : e.a, e.b, da ?? ZERO, db ?? ZERO)),
    min: ({ e, isWhole, da, db }) =>
      by(select("lt", isWhole && e.b.kind === "const" ? e : e.a, e.b, da ?? ZERO, db ?? ZERO)),
  },
  select: (e, then, otherwise) =>
    then || otherwise ? by(select(e.cmp, e.left, e.right, then ?? ZERO, otherwise ?? ZERO)) : undefined,
};

/** With a slope that is not negative the output is positive exactly where x is. */
function testedBy(e: Extract<Scalar, { kind: "shaped" }>, isWhole: boolean): Scalar {
  return isWhole && e.alpha >= 0 ? e : e.x;
}

const by = (d: Scalar): NonNullable<Change> => ({ relative: false, d });

/** A change of `e` as a derivative. */
function absolute(e: Scalar, change: Change): Scalar | undefined {
  return change && (change.relative ? times(e, change.k) : change.d);
}

function plus(a: Scalar | undefined, b: Scalar | undefined): Scalar {
  return a && b ? add(a, b) : (a ?? b ?? ZERO);
}

/**
 * a·b, a factor 0 giving 0, quotients joined, and a choice between a constant and something else (a derivative's
 * usual form) taken outside: g·(y > 0 ? 1 : 0) is y > 0 ? g : 0.
 */
export function times(a: Scalar, b: Scalar): Scalar {
  if (a.kind === "const" && a.value === 0) return a;
  if (b.kind === "const" && b.value === 0) return b;
  if (b.kind === "select" && (isZeroOrOne(b.then) || isZeroOrOne(b.otherwise)))
    return select(b.cmp, b.left, b.right, times(a, b.then), times(a, b.otherwise));
  if (a.kind === "select" && (isZeroOrOne(a.then) || isZeroOrOne(a.otherwise)))
    return select(a.cmp, a.left, a.right, times(a.then, b), times(a.otherwise, b));
  if (a.kind === "unary" && a.op === "neg") return neg(times(a.x, b));
  if (b.kind === "unary" && b.op === "neg") return neg(times(a, b.x));
  if (a.kind === "const" && b.kind === "binary" && b.op === "div" && b.a.kind === "const")
    return div(mul(a, b.a), b.b);
  const isReciprocal = b.kind === "binary" && b.op === "div" && b.a.kind === "const" && b.a.value === 1;
  if (isReciprocal && scalarKey(a) !== scalarKey(b)) return div(a, b.b);
  return mul(a, b);
}

const isZeroOrOne = (x: Scalar): boolean => x.kind === "const" && (x.value === 0 || x.value === 1);
