import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { derivative } from "../../../codegen/autodiff/index.js";
import { printScalar } from "../../../codegen/ir/print-graph.js";
import {
  add,
  arg,
  argsOf,
  binary,
  constant,
  coord,
  div,
  evaluateScalar,
  mul,
  neg,
  type Scalar,
  select,
  shaped,
  sub,
  unary,
} from "../../../codegen/ir/scalar.js";

const [a, b] = [arg(0), arg(1)];

/** The derivative's value where the operands are `at`; nothing is 0. */
function slope(expr: Scalar, index: number, at: readonly number[], coords: readonly number[] = []): number {
  const read = [...at, evaluateScalar(expr, at, coords)];
  return 0 + evaluateScalar(derivative(expr, index, at.length), read, coords);
}

// −0 stands for nothing: what was not chosen.
describe("the table, with $1 (or $2 of two operands) the output", () => {
  const cases: readonly (readonly [Scalar, number, number, string])[] = [
    [unary("neg", a), 0, 1, "-1"],
    [unary("abs", a), 0, 1, "sign($0)"],
    [unary("sign", a), 0, 1, "0"],
    [unary("floor", a), 0, 1, "0"],
    [unary("exp", a), 0, 1, "$1"],
    [unary("log", a), 0, 1, "1 / $0"],
    [unary("sqrt", a), 0, 1, "0.5 / $1"],
    [unary("tanh", a), 0, 1, "1 - $1 * $1"],
    [unary("sigmoid", a), 0, 1, "$1 * (1 - $1)"],
    [unary("softplus", a), 0, 1, "1 - exp(-$1)"],
    [unary("relu", a), 0, 1, "$1 > 0 ? 1 : 0"],
    [shaped("leakyRelu", a, 0.25), 0, 1, "$1 > 0 ? 1 : ($1 <= 0 ? 0.25 : 0)"],
    [shaped("leakyRelu", a, -0.25), 0, 1, "$0 > 0 ? 1 : ($0 <= 0 ? -0.25 : 0)"],
    [shaped("elu", a, 0.5), 0, 1, "$1 > 0 ? 1 : $1 + 0.5"],
    [shaped("elu", a, -0.5), 0, 1, "$0 > 0 ? 1 : -0.5 * exp($0)"],
    [add(a, b), 0, 2, "1"],
    [sub(a, b), 1, 2, "-1"],
    [mul(a, b), 0, 2, "$1"],
    [mul(a, a), 0, 1, "2 * $0"],
    [div(a, b), 0, 2, "1 / $1"],
    [div(a, b), 1, 2, "-($2 / $1)"],
    [div(constant(1), a), 0, 1, "-($1 * $1)"],
    [binary("pow", a, constant(3)), 0, 1, "3 * ($0 * $0)"],
    [binary("pow", a, constant(-0.75)), 0, 1, "$1 * (-0.75 / $0)"],
    [binary("pow", constant(2), a), 0, 1, `$1 * ${Math.log(2)}`],
    [binary("max", a, b), 0, 2, "$0 > $1 ? 1 : -0"],
    [binary("max", a, constant(1)), 0, 1, "$1 > 1 ? 1 : -0"],
    [binary("min", a, b), 1, 2, "$0 < $1 ? -0 : 1"],
    [binary("min", a, constant(1)), 0, 1, "$1 < 1 ? 1 : -0"],
    [select("ge", a, b, mul(a, a), b), 0, 2, "$0 >= $1 ? 2 * $0 : -0"],
    [coord(0), 0, 1, "0"],
    [constant(3), 0, 1, "0"],
    [a, 0, 1, "1"],
    [a, 1, 2, "0"],
    // LRN: in the scale sum, x·scale^−0.75 keeps itself as a factor.
    [mul(a, binary("pow", b, constant(-0.75))), 1, 2, "$2 * (-0.75 / $1)"],
    // Dropout reads its mask, not its input.
    [mul(a, select("ge", b, constant(0.5), constant(2), constant(0))), 0, 2, "$1 >= 0.5 ? 2 : 0"],
    // Swish: sigmoid(x) is kept inside.
    [mul(a, unary("sigmoid", a)), 0, 1, "sigmoid($0) + sigmoid($0) * (1 - sigmoid($0)) * $0"],
  ];
  test.each(cases.map((row) => [printScalar(row[0]), ...row] as const))(
    "%s",
    (_, expr, index, count, expected) => {
      expect(printScalar(derivative(expr, index, count))).toBe(expected);
    },
  );
});

describe("where there is no derivative, Caffe's", () => {
  test.each<[string, Scalar, number, number[], number]>([
    ["relu at 0", unary("relu", a), 0, [0], 0],
    ["relu at -0", unary("relu", a), 0, [-0], 0],
    ["leaky relu at 0", shaped("leakyRelu", a, 0.1), 0, [0], 0.1],
    ["leaky relu with a negative slope", shaped("leakyRelu", a, -0.1), 0, [-3], -0.1],
    ["elu at 0", shaped("elu", a, 0.5), 0, [0], 0.5],
    ["abs at 0", unary("abs", a), 0, [0], 0],
    ["abs below", unary("abs", a), 0, [-2], -1],
    ["max on a tie, first", binary("max", a, b), 0, [2, 2], 0],
    ["max on a tie, second", binary("max", a, b), 1, [2, 2], 1],
    ["min on a tie, first", binary("min", a, b), 0, [2, 2], 0],
    ["min on a tie, second", binary("min", a, b), 1, [2, 2], 1],
    ["max with a constant at it", binary("max", a, constant(1)), 0, [1], 0],
    ["a constant's max at it", binary("max", constant(1), a), 0, [1], 1],
    ["floor", unary("floor", a), 0, [1.5], 0],
    ["power at 0", binary("pow", a, constant(3)), 0, [0], 0],
    ["a negative power at 0", binary("pow", a, constant(-1)), 0, [0], -Infinity],
    ["square root at 0", unary("sqrt", a), 0, [0], Infinity],
    ["softplus far up", unary("softplus", a), 0, [800], 1],
    ["softplus far down", unary("softplus", a), 0, [-800], 0],
    ["sigmoid far up", unary("sigmoid", a), 0, [800], 0],
    ["sigmoid far down", unary("sigmoid", a), 0, [-800], 0],
    ["tanh far up", unary("tanh", a), 0, [400], 0],
    ["elu far up", shaped("elu", a, -2), 0, [800], 1],
    [
      "the side not chosen may be infinite",
      select("gt", a, constant(0), unary("log", a), constant(0)),
      0,
      [0],
      0,
    ],
  ])("%s", (_, expr, index, at, expected) => {
    expect(slope(expr, index, at)).toBe(expected);
  });
});

/** Expressions with a derivative everywhere, of values that stay moderate. */
const smooth: fc.Arbitrary<Scalar> = fc.letrec<{ e: Scalar }>((tie) => {
  const e = tie("e");
  const positive = e.map((x) => add(mul(x, x), constant(0.5)));
  const bounded = e.map((x) => unary("tanh", x));
  return {
    e: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom<Scalar>(a, b, constant(0.75), constant(-2), coord(0)),
      fc.tuple(e, e).map(([x, y]) => add(x, y)),
      fc.tuple(e, e).map(([x, y]) => sub(x, y)),
      fc.tuple(bounded, e).map(([x, y]) => mul(x, y)),
      fc.tuple(e, positive).map(([x, y]) => div(x, y)),
      fc
        .tuple(positive, fc.constantFrom(-1, -0.75, 0.5, 1.5, 2, 3))
        .map(([x, p]) => binary("pow", unary("tanh", x), constant(p))),
      fc.tuple(positive, bounded).map(([x, y]) => binary("pow", unary("tanh", x), y)),
      e.map(neg),
      bounded.map((x) => unary("exp", x)),
      positive.map((x) => unary("log", x)),
      positive.map((x) => unary("sqrt", x)),
      e.map((x) => unary("sigmoid", x)),
      e.map((x) => unary("softplus", x)),
      bounded,
      fc.tuple(e, e).map(([x, y]) => select("gt", coord(0), constant(1), x, y)),
    ),
  };
}).e;

test("smooth expressions agree with central differences", () => {
  const value = fc.integer({ min: -200, max: 200 }).map((x) => x / 100);
  fc.assert(
    fc.property(smooth, value, value, fc.nat({ max: 3 }), (expr, x, y, c) => {
      const h = 1e-5;
      const f = (at: number): number => evaluateScalar(expr, [at, y], [c]);
      const measured = (f(x + h) - f(x - h)) / (2 * h);
      const derived = slope(expr, 0, [x, y], [c]);
      expect(Math.abs(derived - measured)).toBeLessThan(1e-6 * (1 + Math.abs(f(x)) + Math.abs(derived) ** 2));
    }),
    { numRuns: 2000 },
  );
});

test("a derivative reads operands and output only", () => {
  fc.assert(
    fc.property(smooth, (expr) => {
      expect(argsOf(derivative(expr, 1, 2)).every((index) => index <= 2)).toBe(true);
    }),
  );
});
