import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BINARY, SHAPED, UNARY } from "../../../codegen/ir/ops/scalar-functions.js";
import {
  add,
  arg,
  argsOf,
  type BinaryOp,
  binary,
  constant,
  coord,
  coordsOf,
  div,
  evaluateScalar,
  mul,
  neg,
  replace,
  type Scalar,
  scalarKey,
  select,
  shaped,
  sub,
  substitute,
  type UnaryOp,
  unary,
} from "../../../codegen/ir/scalar.js";

const x = arg(0);
const SPECIAL = [0, -0, 1, -1, 0.5, -2, 3, 1e-300, 1e300, Infinity, -Infinity, Number.NaN];

/** Any expression over two operands and a coordinate. */
const anyScalar: fc.Arbitrary<Scalar> = fc.letrec<{ e: Scalar }>((tie) => ({
  e: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Scalar>(arg(0), arg(1), coord(0)),
    fc.constantFrom(...SPECIAL).map(constant),
    fc.tuple(fc.constantFrom(...(Object.keys(UNARY) as UnaryOp[])), tie("e")).map(([op, a]) => unary(op, a)),
    fc
      .tuple(fc.constantFrom("leakyRelu", "elu"), tie("e"), fc.constantFrom(0, 0.5, -1))
      .map(([op, a, alpha]) => shaped(op as "elu", a, alpha)),
    fc
      .tuple(fc.constantFrom("add", "sub", "mul", "div", "pow", "max", "min"), tie("e"), tie("e"))
      .map(([op, a, b]) => binary(op as "add", a, b)),
    fc
      .tuple(fc.constantFrom("gt", "ge", "lt", "le", "eq", "ne"), tie("e"), tie("e"), tie("e"), tie("e"))
      .map(([op, a, b, c, d]) => select(op as "gt", a, b, c, d)),
  ),
})).e;

describe("keys", () => {
  test("values that are not the same have different keys", () => {
    const keys = [...SPECIAL.map(constant), x, coord(0), arg(1), coord(1)].map(scalarKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("equal keys, equal values", () => {
    fc.assert(
      fc.property(anyScalar, anyScalar, (a, b) => {
        if (scalarKey(a) === scalarKey(b)) expect(a).toEqual(b);
        else expect(a).not.toEqual(b);
      }),
    );
  });

  test("the parameter of a shaped function counts", () => {
    expect(scalarKey(shaped("elu", x, 0))).not.toBe(scalarKey(shaped("elu", x, -0)));
    expect(scalarKey(shaped("elu", x, 1))).not.toBe(scalarKey(shaped("leakyRelu", x, 1)));
  });
});

describe("folding", () => {
  test.each<[string, Scalar, Scalar]>([
    ["x + 0", add(x, constant(0)), x],
    ["0 + x", add(constant(0), x), x],
    ["x - 0", sub(x, constant(0)), x],
    ["0 - x", sub(constant(0), x), neg(x)],
    ["x * 1", mul(x, constant(1)), x],
    ["x * -1", mul(x, constant(-1)), neg(x)],
    ["x / 1", div(x, constant(1)), x],
    ["-(-x)", neg(neg(x)), x],
    ["x ** 0", binary("pow", x, constant(0)), constant(1)],
    ["x ** 1", binary("pow", x, constant(1)), x],
    ["x ** 2", binary("pow", x, constant(2)), mul(x, x)],
    ["x ** -1", binary("pow", x, constant(-1)), div(constant(1), x)],
    ["x ** 0.5", binary("pow", x, constant(0.5)), unary("sqrt", x)],
    ["a leaky ReLU without slope", shaped("leakyRelu", x, 0), unary("relu", x)],
    ["a choice between equals", select("gt", x, constant(0), arg(1), arg(1)), arg(1)],
    ["a choice already made", select("gt", constant(1), constant(0), x, arg(1)), x],
    ["constants", mul(add(constant(1), constant(2)), constant(3)), constant(9)],
  ])("%s", (_, made, expected) => {
    expect(made).toEqual(expected);
  });

  test("a zero factor stays: it is NaN for an infinity", () => {
    expect(evaluateScalar(mul(x, constant(0)), [Infinity], [])).toBeNaN();
  });

  test("changes no value", () => {
    const value = fc.constantFrom(...SPECIAL);
    fc.assert(
      fc.property(anyScalar, value, value, fc.nat({ max: 3 }), (e, a, b, c) => {
        const folded = substitute(e, (leaf) =>
          leaf.kind === "coord" ? constant(c) : constant(leaf.index === 0 ? a : b),
        );
        const expected = evaluateScalar(e, [a, b], [c]);
        if (folded.kind !== "const") throw new Error("not folded");
        // A zero's sign may differ: 0 + −0 is 0, and dropping the 0 leaves −0.
        expect(Object.is(folded.value, expected) || (folded.value === 0 && expected === 0)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("meaning", () => {
  const at = (e: Scalar, ...args: number[]): number => evaluateScalar(e, args, [7]);
  test.each<[string, number, number]>([
    ["softplus far up is x", at(unary("softplus", x), 800), 800],
    ["softplus far down is 0", at(unary("softplus", x), -800), 0],
    ["sigmoid far down is 0", at(unary("sigmoid", x), -800), 0],
    ["sign of 0 is 0", at(unary("sign", x), 0), 0],
    ["relu of a negative number", at(unary("relu", x), -2), 0],
    ["max takes the second on a tie", at(binary("max", x, arg(1)), 0, -0), -0],
    ["min takes the second on a tie", at(binary("min", x, arg(1)), 0, -0), -0],
    ["max of a NaN first is the second", at(binary("max", x, arg(1)), Number.NaN, 2), 2],
    ["coordinates", at(coord(0)), 7],
    ["leaky relu", at(shaped("leakyRelu", x, 0.5), -2), -1],
    ["elu", at(shaped("elu", x, 2), -Infinity), -2],
    ["the side not chosen may be NaN", at(select("lt", x, constant(0), unary("log", x), constant(3)), 1), 3],
  ])("%s", (_, value, expected) => {
    expect(value).toBe(expected);
  });
});

describe("each function is that of Math, or of its definition", () => {
  const points = [-Infinity, -30, -2.5, -1, -0.5, -0, 0, 0.25, 1, 1.5, 20, Infinity, Number.NaN];
  const same = (got: number, want: number): void => {
    if (Number.isFinite(want)) expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-13 * (1 + Math.abs(want)));
    else expect(got).toBe(want);
  };
  const UNARY_TRUTH: { readonly [K in UnaryOp]?: (x: number) => number } = {
    neg: (x) => 0 - x,
    abs: Math.abs,
    sign: (x) => (Number.isNaN(x) ? 0 : Math.sign(x)),
    exp: Math.exp,
    log: Math.log,
    sqrt: Math.sqrt,
    tanh: Math.tanh,
    sigmoid: (x) => 0.5 + 0.5 * Math.tanh(x / 2),
    softplus: (x) => (x > 20 ? x + Math.exp(-x) : Math.log1p(Math.exp(x))),
    relu: (x) => Math.max(x, 0) + 0 * Math.min(x, 0),
    floor: Math.floor,
  };
  test.each(Object.keys(UNARY) as UnaryOp[])("%s", (op) => {
    const truth = UNARY_TRUTH[op];
    if (!truth) throw new Error(`what ${op} must equal is not in UNARY_TRUTH`);
    for (const at of points) same(UNARY[op].evaluate(at), truth(at));
  });
  const BINARY_TRUTH: { readonly [K in BinaryOp]?: (a: number, b: number) => number } = {
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    mul: (a, b) => a * b,
    div: (a, b) => a / b,
    pow: Math.pow,
    max: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? b : Math.max(a, b)),
    min: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? b : Math.min(a, b)),
  };
  test.each(Object.keys(BINARY) as BinaryOp[])("%s", (op) => {
    const truth = BINARY_TRUTH[op];
    if (!truth) throw new Error(`what ${op} must equal is not in BINARY_TRUTH`);
    for (const a of points) for (const b of points) same(BINARY[op].evaluate(a, b), truth(a, b));
  });
  test("leakyRelu and elu", () => {
    for (const x of points)
      for (const alpha of [0.5, -1, 2]) {
        same(SHAPED.leakyRelu.evaluate(x, alpha), Math.max(x, 0) + alpha * Math.min(x, 0));
        same(SHAPED.elu.evaluate(x, alpha), Math.max(x, 0) + alpha * Math.expm1(Math.min(x, 0)));
      }
  });
});

test("what an expression reads", () => {
  const e = add(mul(arg(4), coord(2)), select("gt", arg(1), coord(0), arg(1), constant(2)));
  expect(argsOf(e)).toEqual([1, 4]);
  expect(coordsOf(e)).toEqual([0, 2]);
});

test("replace takes the outermost part first and folds on the way up", () => {
  const e = add(mul(x, x), neg(mul(x, x)));
  expect(
    replace(e, (part) => (part.kind === "binary" && part.op === "mul" ? constant(2) : undefined)),
  ).toEqual(constant(0));
});
