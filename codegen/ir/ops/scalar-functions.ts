/**
 * The scalar functions: one record each, which holds all that is known of it. The unions of their names
 * (`UnaryOp`, `ShapedOp`, `BinaryOp`, `CompareOp`), the folding of expressions, derivatives, costs and the text of every
 * language derive from these tables: a new function is one more entry.
 */

/** What a record writes expressions with: E is `Scalar`, whose type derives from the tables below. */
export interface Algebra<E extends object> {
  constant(value: number): E;
  unary(of: UnaryFunction, x: E): E;
  neg(x: E): E;
  add(a: E, b: E): E;
  sub(a: E, b: E): E;
  mul(a: E, b: E): E;
  div(a: E, b: E): E;
  pow(a: E, b: E): E;
  select(cmp: "gt" | "lt" | "le", left: E, right: E, then: E, otherwise: E): E;
  /** The value of a constant. */
  valueOf(x: E): number | undefined;
  /** x where `whole` is that function of x. */
  operandOf(of: UnaryFunction, whole: E): E | undefined;
  same(a: E, b: E): boolean;
  /** a·b as derivatives want it: a choice between constants comes outside. */
  times(a: E, b: E): E;
  /** The derivative in what was not chosen. */
  readonly nothing: E;
}

/**
 * How an expression e changes with an operand: by `d`, or (`relative`) by e·k. The second form lets a product or
 * quotient keep its own value as a factor, so that exp, division and negative powers are written with the output.
 * Undefined: not at all.
 */
export type Change<E extends object> =
  | { readonly relative: false; readonly d: E }
  | { readonly relative: true; readonly k: E }
  | undefined;

/** What the derivative of a function of one operand may be written with. It is asked only where the operand changes. */
export interface UnaryChange<E extends object> {
  readonly e: E;
  readonly x: E;
  /** Whether e is the whole expression, whose value the derivative may read. */
  readonly isWhole: boolean;
  readonly dx: NonNullable<Change<E>>;
  /** dx as a derivative. */
  readonly inner: E;
}

export interface ShapedChange<E extends object> extends UnaryChange<E> {
  readonly alpha: number;
}

/** As for one operand; of the two at least one changes. */
export interface BinaryChange<E extends object> {
  readonly e: E;
  readonly a: E;
  readonly b: E;
  readonly isWhole: boolean;
  readonly ca: Change<E>;
  readonly cb: Change<E>;
  /** ca and cb as derivatives. */
  readonly da: E | undefined;
  readonly db: E | undefined;
}

/**
 * How a function is written: as a prefix or infix operator, as a function of the language's library by its C name, or as
 * a function that generated code brings along, whose value is `body`, in C without types.
 */
export type FunctionForm =
  | { readonly prefix: string }
  | { readonly infix: string; readonly level: "sum" | "product" | "power" }
  | { readonly call: string }
  | { readonly helper: string; readonly body: string; readonly note?: string };

/** How a function is written in C, and in those languages that differ. */
export type FunctionText = FunctionForm & {
  readonly ts?: FunctionForm;
  readonly cuda?: FunctionForm;
  readonly lanes?: FunctionForm;
};

interface ScalarFunction {
  /** Operations that it counts for, and whether it calls a function of libm. */
  readonly cost: { readonly operations: number; readonly transcendental: boolean };
  readonly text: FunctionText;
}

export interface UnaryFunction extends ScalarFunction {
  readonly evaluate: (x: number) => number;
  /** What it comes to for some operands, written simpler. */
  readonly fold?: <E extends object>(x: E, s: Algebra<E>) => E | undefined;
  /** Absent: it has none, or 0. */
  readonly derivative?: <E extends object>(of: UnaryChange<E>, s: Algebra<E>) => Change<E>;
}

/** A function of one operand with one constant parameter. */
export interface ShapedFunction extends ScalarFunction {
  readonly evaluate: (x: number, alpha: number) => number;
  readonly fold?: <E extends object>(x: E, alpha: number, s: Algebra<E>) => E | undefined;
  readonly derivative: <E extends object>(
    of: UnaryChange<E> & { readonly alpha: number },
    s: Algebra<E>,
  ) => Change<E>;
}

export interface BinaryFunction extends ScalarFunction {
  readonly evaluate: (a: number, b: number) => number;
  readonly fold?: <E extends object>(a: E, b: E, s: Algebra<E>) => E | undefined;
  readonly derivative: <E extends object>(of: BinaryChange<E>, s: Algebra<E>) => Change<E>;
}

const SIMPLE = { operations: 1, transcendental: false } as const;
const DIVISION = { operations: 2, transcendental: false } as const;
const LIBM = { operations: 1, transcendental: true } as const;

const by = <E extends object>(d: E): NonNullable<Change<E>> => ({ relative: false, d });
const relative = <E extends object>(k: E): NonNullable<Change<E>> => ({ relative: true, k });
const is = <E extends object>(x: E, value: number, s: Algebra<E>): boolean => Object.is(s.valueOf(x), value);
const oneMinus = <E extends object>(x: E, s: Algebra<E>): E => s.sub(s.constant(1), x);
const plus = <E extends object>(a: E | undefined, b: E | undefined, s: Algebra<E>): E =>
  a !== undefined && b !== undefined ? s.add(a, b) : (a ?? b ?? s.constant(0));
/** `above` where x > 0, else `below`. */
const positive = <E extends object>(x: E, above: number, below: E, s: Algebra<E>): E =>
  s.select("gt", x, s.constant(0), s.constant(above), below);

const neg: UnaryFunction = {
  evaluate: (x) => -x,
  fold: (x, s) => s.operandOf(neg, x),
  derivative: ({ dx, inner }, s) => (dx.relative ? dx : by(s.neg(inner))),
  cost: SIMPLE,
  text: { prefix: "-" },
};

/** sign(0) is 0. */
const sign: UnaryFunction = {
  evaluate: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  cost: SIMPLE,
  text: { helper: "sign", body: "x > 0 ? 1 : x < 0 ? -1 : 0" },
};

const exp: UnaryFunction = {
  evaluate: Math.exp,
  derivative: ({ inner }) => relative(inner),
  cost: LIBM,
  text: { call: "exp" },
};

const log: UnaryFunction = {
  evaluate: Math.log,
  derivative: ({ x, inner }, s) => by(s.div(inner, x)),
  cost: LIBM,
  text: { call: "log" },
};

const sqrt: UnaryFunction = {
  evaluate: Math.sqrt,
  derivative: ({ e, inner }, s) => by(s.times(inner, s.div(s.constant(0.5), e))),
  cost: LIBM,
  text: { call: "sqrt" },
};

const sigmoid: UnaryFunction = {
  evaluate: (x) => 1 / (1 + Math.exp(-x)),
  derivative: ({ e, inner }, s) => by(s.times(inner, s.mul(e, oneMinus(e, s)))),
  cost: LIBM,
  text: { helper: "sigmoid", body: "1 / (1 + exp(-x))", lanes: { call: "sigmoid" } },
};

/** As Caffe's max(x, 0) + 0 · min(x, 0): NaN stays NaN and −∞ becomes it; the difference is +0 for all else. */
const relu: UnaryFunction = {
  evaluate: (x) => (x > 0 ? x : x - x),
  derivative: ({ e, x, isWhole, inner }, s) =>
    by(s.times(inner, positive(isWhole ? e : x, 1, s.constant(0), s))),
  cost: SIMPLE,
  text: { helper: "relu", body: "x > 0 ? x : x - x" },
};

export const UNARY = {
  neg,
  /** Its derivative at 0 is 0. */
  abs: {
    evaluate: Math.abs,
    derivative: ({ x, inner }, s) => by(s.times(inner, s.unary(sign, x))),
    cost: SIMPLE,
    text: { call: "fabs" },
  },
  sign,
  exp,
  log,
  sqrt,
  tanh: {
    evaluate: Math.tanh,
    derivative: ({ e, inner }, s) => by(s.times(inner, oneMinus(s.mul(e, e), s))),
    cost: LIBM,
    text: { call: "tanh" },
  },
  sigmoid,
  /** log(1 + eˣ). Its derivative is sigmoid(x), which is 1 − e^−y. */
  softplus: {
    evaluate: (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))),
    derivative: ({ e, x, isWhole, inner }, s) =>
      by(s.times(inner, isWhole ? oneMinus(s.unary(exp, s.neg(e)), s) : s.unary(sigmoid, x))),
    cost: LIBM,
    text: {
      helper: "softplus",
      body: "x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))",
      note: "log(1 + exp(x)) without overflow.",
      lanes: { call: "softplus" },
    },
  },
  relu,
  floor: { evaluate: Math.floor, cost: SIMPLE, text: { call: "floor" } },
} satisfies Readonly<Record<string, UnaryFunction>>;

/** With a slope that is not negative the output is positive exactly where x is. */
const tells = (isWhole: boolean, alpha: number): boolean => isWhole && alpha >= 0;

export const SHAPED = {
  leakyRelu: {
    evaluate: (x, alpha) => (x > 0 ? x : alpha * x),
    fold: (x, alpha, s) => (alpha === 0 ? s.unary(relu, x) : undefined),
    // Of NaN it is 0: Caffe adds up (x > 0) and slope · (x ≤ 0).
    derivative({ e, x, alpha, isWhole, inner }, s) {
      const tested = tells(isWhole, alpha) ? e : x;
      const below = s.select("le", tested, s.constant(0), s.constant(alpha), s.constant(0));
      return by(s.times(inner, positive(tested, 1, below, s)));
    },
    cost: SIMPLE,
    text: { helper: "leakyRelu", body: "x > 0 ? x : alpha * x" },
  },
  elu: {
    evaluate: (x, alpha) => (x > 0 ? x : alpha * (Math.exp(x) - 1)),
    derivative({ e, x, alpha, isWhole, inner }, s) {
      const [slope, tested] = [s.constant(alpha), tells(isWhole, alpha) ? e : x];
      const below = tested === e ? s.add(e, slope) : s.mul(slope, s.unary(exp, x));
      return by(s.times(inner, positive(tested, 1, below, s)));
    },
    cost: LIBM,
    text: {
      helper: "elu",
      body: "x > 0 ? x : alpha * (exp(x) - 1)",
      cuda: { helper: "elu", body: "x > 0 ? x : alpha * expm1(x)" },
      lanes: { helper: "elu", body: "x > 0 ? x : alpha * expm1(x)" },
    },
  },
} satisfies Readonly<Record<string, ShapedFunction>>;

/** Of `max` and `min`: on a tie the second operand, whose value the whole tells where that is a constant. */
const extreme =
  (cmp: "gt" | "lt"): BinaryFunction["derivative"] =>
  ({ e, a, b, isWhole, da, db }, s) => {
    const { nothing } = s;
    const tested = isWhole && s.valueOf(b) !== undefined ? e : a;
    return by(s.select(cmp, tested, b, da ?? nothing, db ?? nothing));
  };

export const BINARY = {
  add: {
    evaluate: (a, b) => a + b,
    fold: (a, b, s) => (is(a, 0, s) ? b : is(b, 0, s) ? a : undefined),
    derivative: ({ da, db }, s) => by(plus(da, db, s)),
    cost: SIMPLE,
    text: { infix: "+", level: "sum" },
  },
  sub: {
    evaluate: (a, b) => a - b,
    fold: (a, b, s) => (is(b, 0, s) ? a : is(a, 0, s) ? s.neg(b) : undefined),
    derivative: ({ da, db }, s) => (db === undefined ? da && by(da) : by(da ? s.sub(da, db) : s.neg(db))),
    cost: SIMPLE,
    text: { infix: "-", level: "sum" },
  },
  mul: {
    evaluate: (a, b) => a * b,
    fold(a, b, s) {
      if (is(a, 1, s)) return b;
      if (is(b, 1, s)) return a;
      if (is(a, -1, s)) return s.neg(b);
      return is(b, -1, s) ? s.neg(a) : undefined;
    },
    derivative({ a, b, ca, cb, da, db }, s) {
      if (ca?.relative && cb?.relative) return relative(s.add(ca.k, cb.k));
      if (!da) return cb?.relative ? cb : db && by(s.times(db, a));
      if (!db) return ca?.relative ? ca : by(s.times(da, b));
      if (s.same(a, b)) return by(s.times(da, s.mul(s.constant(2), a)));
      return by(s.add(s.times(da, b), s.times(db, a)));
    },
    cost: SIMPLE,
    text: { infix: "*", level: "product" },
  },
  div: {
    evaluate: (a, b) => a / b,
    fold: (a, b, s) => (is(b, 1, s) ? a : undefined),
    derivative({ e, a, b, ca, cb, da, db }, s) {
      if (!db) return ca?.relative ? ca : da && by(s.div(da, b));
      if (da) return by(s.div(s.sub(da, s.times(db, e)), b));
      if (cb?.relative) return relative(s.neg(cb.k));
      return relative(s.neg(s.valueOf(a) === 1 ? s.times(db, e) : s.div(db, b)));
    },
    cost: DIVISION,
    text: { infix: "/", level: "product" },
  },
  pow: {
    evaluate: (a, b) => a ** b,
    fold(a, b, s) {
      if (is(b, 0, s)) return s.constant(1);
      if (is(b, 1, s)) return a;
      if (is(b, -1, s)) return s.div(s.constant(1), a);
      if (is(b, 2, s)) return s.mul(a, a);
      return is(b, 0.5, s) ? s.unary(sqrt, a) : undefined;
    },
    derivative({ e, a, b, da, db }, s) {
      const inExponent = db && s.times(db, s.unary(log, a));
      if (!da) return inExponent && relative(inExponent);
      // c·a^c/a is c·a^(c−1) also at 0 when c is negative: both are infinite.
      if (!db && (s.valueOf(b) ?? 0) < 0) return relative(s.times(da, s.div(b, a)));
      const inBase = s.times(da, s.mul(b, s.pow(a, s.sub(b, s.constant(1)))));
      return by(plus(inBase, inExponent && s.mul(e, inExponent), s));
    },
    cost: LIBM,
    text: { call: "pow", ts: { infix: "**", level: "power" } },
  },
  /** a > b ? a : b: the second operand on a tie and for NaN, as Caffe's Eltwise. */
  max: {
    evaluate: (a, b) => (a > b ? a : b),
    derivative: extreme("gt"),
    cost: SIMPLE,
    text: { helper: "larger", body: "a > b ? a : b" },
  },
  /** a < b ? a : b. */
  min: {
    evaluate: (a, b) => (a < b ? a : b),
    derivative: extreme("lt"),
    cost: SIMPLE,
    text: { helper: "smaller", body: "a < b ? a : b" },
  },
} satisfies Readonly<Record<string, BinaryFunction>>;

/** Comparisons, and how they are written in C and, where that differs, in TypeScript. */
export const COMPARISONS = {
  gt: { holds: (a, b) => a > b, sign: ">" },
  ge: { holds: (a, b) => a >= b, sign: ">=" },
  lt: { holds: (a, b) => a < b, sign: "<" },
  le: { holds: (a, b) => a <= b, sign: "<=" },
  eq: { holds: (a, b) => a === b, sign: "==", ts: "===" },
  ne: { holds: (a, b) => a !== b, sign: "!=", ts: "!==" },
} satisfies Readonly<
  Record<
    string,
    {
      readonly holds: (a: number, b: number) => boolean;
      readonly sign: string;
      readonly ts?: string;
    }
  >
>;

export type UnaryOp = keyof typeof UNARY;
export type ShapedOp = keyof typeof SHAPED;
export type BinaryOp = keyof typeof BINARY;
export type CompareOp = keyof typeof COMPARISONS;
