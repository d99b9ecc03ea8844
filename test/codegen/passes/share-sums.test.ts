/** Sums of multiples of the same are one, and what comes of them is the same. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import { type Graph, type Node, nodesOf } from "../../../codegen/ir/graph.js";
import {
  add,
  arg,
  constant,
  coord,
  div,
  mul,
  neg,
  type Scalar,
  sub,
  unary,
} from "../../../codegen/ir/scalar.js";
import { verify } from "../../../codegen/ir/verify.js";
import { shareSums } from "../../../codegen/passes/index.js";
import { bindLeaves } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";

const SHAPE = [2, 3, 5];
const AXES = [0, 2];
const product = mul(arg(0), arg(1));

const graphOf = (...nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i) => ({ role: "value", blob: `y${i}`, node })),
});
const sumsOf = (graph: Graph): number => nodesOf(graph).filter(({ op }) => op === "reduce").length;

/** The pass's graph, which computes what the given one does. */
function shared(graph: Graph, b: ReturnType<typeof createBuilder>): Graph {
  const made = shareSums(graph, b);
  verify(made);
  const given = bindLeaves(graph, 7);
  const [before, after] = [interpret(graph, given), interpret(made, given)];
  graph.roots.forEach(({ node }, i) => {
    const now = after(made.roots[i].node);
    before(node).forEach((x, at) => void expect(now[at]).toBeCloseTo(x, 9));
  });
  return made;
}

it("a batch's statistics and their gradients are four sums, not six", () => {
  const b = createBuilder();
  const [x, g] = [b.input("x", SHAPE), b.input("g", SHAPE)];
  const [gamma, deviation] = [b.param(0, [1, 3, 1]), b.param(1, [1, 3, 1])];
  const total = b.reduce("sum", x, AXES);
  const mean = b.map(mul(arg(0), constant(1 / 10)), [total]);
  const centred = b.map(sub(arg(0), arg(1)), [x, mean]);
  const squares = b.reduce("sum", b.map(mul(arg(0), arg(0)), [centred]), AXES);
  const normal = b.map(div(arg(0), arg(1)), [centred, deviation]);
  const ofNormal = b.map(product, [g, gamma]);
  const slope = b.map(neg(mul(arg(0), div(arg(1), arg(2)))), [ofNormal, normal, deviation]);
  const ofDeviation = b.reduce("sum", slope, AXES);
  const ofCentred = b.map(add(arg(0), mul(arg(1), arg(2))), [ofNormal, ofDeviation, centred]);
  const roots = [
    squares,
    b.reduce("sum", b.map(product, [g, normal]), AXES),
    b.reduce("sum", g, AXES),
    ofDeviation,
    b.reduce("sum", ofCentred, AXES),
  ];
  const graph = graphOf(...roots);
  expect(sumsOf(graph)).toBe(6);
  expect(sumsOf(shared(graph, b))).toBe(4);
});

it("sums that have nothing in common stay as they are", () => {
  const b = createBuilder();
  const [x, y] = [b.input("x", SHAPE), b.input("y", SHAPE)];
  const scaled = b.map(mul(arg(0), arg(1)), [x, b.param(0, [1, 3, 1])]);
  const graph = graphOf(
    b.reduce("sum", scaled, AXES),
    b.reduce("sum", b.map(product, [x, y]), AXES),
    // Over other axes it is another sum.
    b.reduce("sum", x, [0]),
  );
  expect(shareSums(graph, b)).toBe(graph);
});

it("squares of differences are not multiplied out", () => {
  const b = createBuilder();
  const [x, mean] = [b.input("x", SHAPE), b.param(0, [1, 3, 1])];
  const centred = b.map(sub(arg(0), arg(1)), [x, mean]);
  const graph = graphOf(
    b.reduce("sum", x, AXES),
    b.reduce("sum", b.map(mul(arg(0), arg(0)), [x]), AXES),
    b.reduce("sum", b.map(mul(arg(0), arg(0)), [centred]), AXES),
  );
  expect(shareSums(graph, b)).toBe(graph);
});

it("a coordinate along a summed axis changes, and along another does not", () => {
  const b = createBuilder();
  const x = b.input("x", SHAPE);
  const by = (axis: number): Node => b.reduce("sum", b.map(mul(arg(0), coord(axis)), [x]), AXES);
  const graph = graphOf(b.reduce("sum", x, AXES), by(1), by(2));
  expect(sumsOf(shared(graph, b))).toBe(2);
});

it("a function of what changes is one factor, and a node that is not a number's map another", () => {
  const b = createBuilder();
  const [x, scale] = [b.input("x", SHAPE), b.param(0, [1, 3, 1])];
  const risen = b.map(unary("exp", arg(0)), [x]);
  const graph = graphOf(
    b.reduce("sum", b.map(mul(arg(0), arg(1)), [risen, scale]), AXES),
    b.reduce("sum", risen, AXES),
    b.reduce("max", risen, AXES),
  );
  expect(sumsOf(shared(graph, b))).toBe(2);
});

/** Sums and products of two operands that change, of a parameter and of a number. */
const { tree } = fc.letrec<{ tree: Scalar }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: "small", withCrossShrink: true },
    fc.constantFrom(arg(0), arg(1), arg(2), constant(3)),
    tie("tree").map(neg),
    fc
      .tuple(fc.constantFrom(add, sub, mul), tie("tree"), tie("tree"))
      .map(([combine, one, other]) => combine(one, other)),
    tie("tree").map((one) => div(one, add(mul(arg(2), arg(2)), constant(1)))),
  ),
}));

it("sums of random formulas compute what they did, and are no more than before", () => {
  let fewer = 0;
  fc.assert(
    fc.property(fc.array(tree, { minLength: 2, maxLength: 6 }), (formulas) => {
      const b = createBuilder();
      const operands = [b.input("x", SHAPE), b.input("y", SHAPE), b.param(0, [1, 3, 1])];
      const sums = formulas.map((expr) => b.reduce("sum", b.map(expr, operands, SHAPE), AXES));
      const graph = graphOf(...sums);
      const now = sumsOf(shared(graph, b));
      expect(now).toBeLessThanOrEqual(sumsOf(graph));
      if (now < sumsOf(graph)) fewer++;
    }),
    { numRuns: 200 },
  );
  expect(fewer).toBeGreaterThan(10);
});
