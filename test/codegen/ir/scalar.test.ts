import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  arg,
  argsOf,
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
    fc
      .tuple(
        fc.constantFrom("neg", "abs", "sign", "exp", "log", "sqrt", "tanh", "sigmoid", "relu", "floor"),
        tie("e"),
      )
      .map(([op, a]) => unary(op as "neg", a)),
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
