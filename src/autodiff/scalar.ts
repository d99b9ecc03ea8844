import {
  add,
  arg,
  binary,
  constant,
  div,
  mul,
  neg,
  replace,
  type Scalar,
  scalarKey,
  select,
  sub,
  unary,
} from "../ir/scalar.js";

/**
 * How an expression e changes with the operand: by `d`, or (`relative`) by e·k. The second form lets a product or
 * quotient keep its own value as a factor, so that exp, division and negative powers are written with the output.
 * Undefined: not at all.
 */
type Change =
  | { readonly relative: false; readonly d: Scalar }
  | { readonly relative: true; readonly k: Scalar }
  | undefined;

const ZERO = constant(0);
const ONE = constant(1);
const TWO = constant(2);

/**
 * The derivative of `expr` in operand `index`, over the operands and, as operand number `operands`, the
 * expression's own value. It prefers that value: sigmoid gives y·(1 − y), a quotient in its divisor −y/b. Where
 * there is no derivative it is Caffe's: ReLU and the like take the side of x ≤ 0 at 0, `max(a, b)` and `min(a, b)`
 * go to b on a tie, |x| has 0 at 0; `floor`, `sign`, coordinates and conditions have none.
 */
export function derivative(expr: Scalar, index: number, operands: number): Scalar {
  const whole = scalarKey(expr);
  const isLeaf = expr.kind === "const" || expr.kind === "arg" || expr.kind === "coord";
  const result = absolute(expr, change(expr));
  if (!result) return ZERO;
  return replace(result, (part) =>
    !isLeaf && part.kind === expr.kind && scalarKey(part) === whole ? arg(operands) : undefined,
  );

  function change(e: Scalar): Change {
    switch (e.kind) {
      case "const":
      case "coord":
        return undefined;
      case "arg":
        return e.index === index ? by(ONE) : undefined;
      case "unary":
        return changeOfUnary(e, change(e.x));
      case "shaped": {
        const dx = absolute(e.x, change(e.x));
        return dx && by(times(dx, slopeOfShaped(e)));
      }
      case "binary":
        return changeOfBinary(e, change(e.a), change(e.b));
      case "select": {
        const then = absolute(e.then, change(e.then));
        const otherwise = absolute(e.otherwise, change(e.otherwise));
        return then || otherwise
          ? by(select(e.cmp, e.left, e.right, then ?? ZERO, otherwise ?? ZERO))
          : undefined;
      }
      default:
        return e satisfies never;
    }
  }

  function changeOfUnary(e: Extract<Scalar, { kind: "unary" }>, dx: Change): Change {
    const { x } = e;
    const inner = absolute(x, dx);
    if (!dx || !inner) return undefined;
    switch (e.op) {
      case "neg":
        return dx.relative ? dx : by(neg(inner));
      case "abs":
        return by(times(inner, unary("sign", x)));
      case "exp":
        return { relative: true, k: inner };
      case "log":
        return by(div(inner, x));
      case "sqrt":
        return by(times(inner, div(constant(0.5), e)));
      case "tanh":
        return by(times(inner, sub(ONE, mul(e, e))));
      case "sigmoid":
        return by(times(inner, mul(e, sub(ONE, e))));
      case "softplus":
        // Its derivative is sigmoid(x), which is 1 − e^−y.
        return by(times(inner, e === expr ? sub(ONE, unary("exp", neg(e))) : unary("sigmoid", x)));
      case "relu":
        return by(times(inner, select("gt", e === expr ? e : x, ZERO, ONE, ZERO)));
      case "sign":
      case "floor":
        return undefined;
      default:
        return e.op satisfies never;
    }
  }

  function slopeOfShaped(e: Extract<Scalar, { kind: "shaped" }>): Scalar {
    const alpha = constant(e.alpha);
    // With a slope that is not negative the output is positive exactly where x is.
    const tested = e === expr && e.alpha >= 0 ? e : e.x;
    switch (e.op) {
      case "leakyRelu":
        return select("gt", tested, ZERO, ONE, alpha);
      case "elu":
        return select("gt", tested, ZERO, ONE, tested === e ? add(e, alpha) : mul(alpha, unary("exp", e.x)));
      default:
        return e.op satisfies never;
    }
  }

  function changeOfBinary(e: Extract<Scalar, { kind: "binary" }>, ca: Change, cb: Change): Change {
    const { a, b } = e;
    const da = absolute(a, ca);
    const db = absolute(b, cb);
    if (!da && !db) return undefined;
    switch (e.op) {
      case "add":
        return by(plus(da, db));
      case "sub":
        return by(da ? (db ? sub(da, db) : da) : neg(db!));
      case "mul":
        if (ca?.relative && cb?.relative) return { relative: true, k: add(ca.k, cb.k) };
        if (!da) return cb?.relative ? cb : by(times(db!, a));
        if (!db) return ca?.relative ? ca : by(times(da, b));
        if (scalarKey(a) === scalarKey(b)) return by(times(da, mul(TWO, a)));
        return by(add(times(da, b), times(db, a)));
      case "div":
        if (!db) return ca?.relative ? ca : by(div(da!, b));
        if (!da) {
          if (cb?.relative) return { relative: true, k: neg(cb.k) };
          const isReciprocal = a.kind === "const" && a.value === 1;
          return { relative: true, k: neg(isReciprocal ? times(db!, e) : div(db!, b)) };
        }
        return by(div(sub(da, times(db, e)), b));
      case "pow": {
        const inExponent = db && times(db, unary("log", a));
        if (!da) return { relative: true, k: inExponent! };
        // c·a^c/a is c·a^(c−1) also at 0 when c is negative: both are infinite.
        if (!db && b.kind === "const" && b.value < 0) return { relative: true, k: times(da, div(b, a)) };
        const inBase = times(da, mul(b, binary("pow", a, sub(b, ONE))));
        return by(plus(inBase, inExponent && mul(e, inExponent)));
      }
      case "max":
        return by(select("gt", e === expr && b.kind === "const" ? e : a, b, da ?? ZERO, db ?? ZERO));
      case "min":
        return by(select("lt", e === expr && b.kind === "const" ? e : a, b, da ?? ZERO, db ?? ZERO));
      default:
        return e.op satisfies never;
    }
  }
}

const by = (d: Scalar): Change => ({ relative: false, d });

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
