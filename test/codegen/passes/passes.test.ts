import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { differentiate } from "../../../codegen/autodiff/index.js";
import { createBuilder, type GraphBuilder } from "../../../codegen/ir/builder.js";
import { type Graph, type Node, nodesOf, type Root } from "../../../codegen/ir/graph.js";
import { printGraph } from "../../../codegen/ir/print-graph.js";
import { add, arg, binary, constant, coord, mul, neg, unary } from "../../../codegen/ir/scalar.js";
import { powersByRoots, simplify } from "../../../codegen/passes/index.js";
import { rewrite } from "../../../codegen/passes/rewrite-graph.js";
import { odd, withOdd } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { optimise } from "../../support/pipeline.js";
import { bind, randomGraph } from "../../support/random-graph.js";
import { growth } from "../../support/work.js";

const of = (...nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i) => ({ role: "value", blob: `r${i}`, node })),
});
/** What a node becomes. */
const simplified = (b: GraphBuilder, node: Node): Node => simplify(of(node), b).roots[0].node;

describe("on random graphs, forward and backward", () => {
  test("every root keeps its value, and the result verifies", () => {
    fc.assert(
      fc.property(randomGraph({ backward: true }), odd, ({ builder, graph, bindings: usual }, value) => {
        const bindings = withOdd(usual, value);
        const after = optimise(graph, builder, { verify: true });
        const before = interpret(graph, bindings);
        const now = interpret(after, bindings);
        expect(after.roots.map(({ role }) => role)).toEqual(graph.roots.map(({ role }) => role));
        graph.roots.forEach(({ node }, i) => {
          const old = before(node);
          const scale = 1 + old.filter(Number.isFinite).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
          now(after.roots[i].node).forEach((value, at) => {
            if (!Number.isFinite(old[at])) expect(value).toBe(old[at]);
            else expect(Math.abs(value - old[at]) / scale).toBeLessThan(1e-12);
          });
        });
      }),
      { numRuns: 400 },
    );
  });

  test("a second run changes nothing, and no name is left", () => {
    fc.assert(
      fc.property(randomGraph({ backward: true }), ({ builder, graph }) => {
        const once = optimise(graph, builder);
        expect(optimise(once, builder)).toBe(once);
        expect(
          nodesOf(once).filter((node) => node.op === "blob" || node.op === "stop" || node.op === "instead"),
        ).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("the same graph gives the same listing", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const listing = (): string => {
          const [{ builder, graph }] = fc.sample(randomGraph({ backward: true }), { seed, numRuns: 1 });
          return printGraph(optimise(graph, builder));
        };
        expect(listing()).toBe(listing());
      }),
      { numRuns: 50 },
    );
  });
});

describe("views", () => {
  const b = createBuilder();
  const x = b.input("x", [2, 6, 4]);
  const y = b.input("y", [2, 3, 4]);
  const cases: readonly (readonly [string, Node, Node])[] = [
    ["a transpose of a transpose is one", b.transpose(b.transpose(x, [1, 2, 0]), [2, 0, 1]), x],
    [
      "in the order in which they stand",
      b.transpose(b.transpose(x, [1, 2, 0]), [0, 2, 1]),
      b.transpose(x, [1, 0, 2]),
    ],
    [
      "a transpose that moves nothing is a reshape",
      b.transpose(b.reshape(x, [2, 1, 24]), [1, 0, 2]),
      b.reshape(x, [1, 2, 24]),
    ],
    ["a slice of a slice is one", b.slice(b.slice(x, 1, 1, 4), 1, 2, 2), b.slice(x, 1, 3, 2)],
    ["a slice of a concat that is a part is that part", b.slice(b.concat([x, y], 1), 1, 6, 3), y],
    ["a slice inside a part is a slice of it", b.slice(b.concat([x, y], 1), 1, 7, 2), b.slice(y, 1, 1, 2)],
    [
      "a slice over some parts joins those",
      b.slice(b.concat([x, y, x], 1), 1, 7, 5),
      b.concat([b.slice(y, 1, 1, 2), b.slice(x, 1, 0, 3)], 1),
    ],
    [
      "joined slices that meet are one",
      b.concat([b.slice(x, 1, 1, 2), b.slice(x, 1, 3, 2)], 1),
      b.slice(x, 1, 1, 4),
    ],
    [
      "all slices of a value, joined, are the value",
      b.concat([b.slice(x, 1, 0, 2), b.slice(x, 1, 2, 4)], 1),
      x,
    ],
    ["a concat in a concat is one", b.concat([b.concat([x, y], 1), x], 1), b.concat([x, y, x], 1)],
    ["a slice takes a pad's zeros away", b.slice(b.pad(x, 1, 2, 3), 1, 2, 6), x],
    ["a slice of a pad's zeros is zero", b.slice(b.pad(x, 1, 2, 3), 1, 8, 2), b.constant(0, [2, 2, 4])],
    [
      "a slice over a pad's border pads less",
      b.slice(b.pad(x, 1, 2, 3), 1, 1, 4),
      b.pad(b.slice(x, 1, 0, 3), 1, 1, 0),
    ],
    ["a pad of a pad is one", b.pad(b.pad(x, 1, 2, 3), 1, 1, 1), b.pad(x, 1, 3, 4)],
    [
      "a sum of pads that do not meet is a concat",
      b.map(add(arg(0), arg(1)), [b.pad(y, 1, 3, 0), b.pad(y, 1, 0, 3)]),
      b.concat([y, y], 1),
    ],
    [
      "with zeros between them",
      b.map(add(add(arg(0), arg(1)), arg(2)), [b.pad(y, 1, 0, 7), b.pad(x, 1, 4, 0), b.constant(0)]),
      b.concat([y, b.constant(0, [2, 1, 4]), x], 1),
    ],
  ];
  test.each(cases)("%s", (_, from, to) => {
    expect(simplified(b, from)).toBe(to);
  });

  test.each([1, 2])("pads that lie over each other, all but %d rows, stay a sum", (apart) => {
    const sum = b.map(add(arg(0), arg(1)), [b.pad(y, 1, apart, 0), b.pad(y, 1, 0, apart)]);
    expect(simplified(b, sum)).toBe(sum);
  });

  test("so does a sum that takes one of them twice", () => {
    const twice = b.map(add(add(arg(0), arg(0)), arg(1)), [b.pad(y, 1, 3, 0), b.pad(y, 1, 0, 3)]);
    expect(simplified(b, twice)).toBe(twice);
  });
});

describe("arithmetic", () => {
  const b = createBuilder();
  const x = b.input("x", [2, 6, 4]);
  const row = b.input("row", [1, 6, 1]);
  const wide = b.map(arg(0), [row], [2, 6, 4]);
  const cases: readonly (readonly [string, Node, Node])[] = [
    ["adding a constant zero is nothing", b.map(add(arg(0), arg(1)), [x, b.constant(0, x.shape)]), x],
    ["so is a constant one as a factor", b.map(mul(arg(0), arg(1)), [x, b.constant(1)]), x],
    [
      "constants through views and maps are folded",
      b.map(unary("exp", arg(0)), [b.slice(b.pad(b.constant(0, [2]), 0, 1, 1), 0, 1, 3)]),
      b.constant(1, [3]),
    ],
    [
      "what was broadcast is broadcast where it is read",
      b.map(mul(arg(0), arg(1)), [x, wide]),
      b.map(mul(arg(0), arg(1)), [x, row]),
    ],
    [
      "a sum of a broadcast is a product",
      b.reduce("sum", wide, [0, 2]),
      b.map(mul(arg(0), constant(8)), [row]),
    ],
    [
      "the greatest of a broadcast is the value, or −∞ for NaN",
      b.reduce("max", wide, [0, 2]),
      b.map(binary("max", arg(0), constant(-Infinity)), [row]),
    ],
    [
      "a sum over some repeated axes goes over the others",
      b.reduce("sum", wide, [0, 1]),
      b.map(mul(arg(0), constant(2)), [b.reduce("sum", b.map(arg(0), [row], [1, 6, 4]), [1])]),
    ],
    [
      "a sum of a constant is a constant",
      b.reduce("sum", b.constant(0.5, [3, 4]), [1]),
      b.constant(2, [3, 1]),
    ],
    ["a sum of a sum is one", b.reduce("sum", b.reduce("sum", x, [2]), [0]), b.reduce("sum", x, [0, 2])],
    ["an axis of one element is not gone through", b.reduce("max", row, [0, 1]), b.reduce("max", row, [1])],
    ["a product transposes for itself", b.matmul(b.transpose(x, [0, 2, 1]), x), b.matmul(x, x, true, false)],
    [
      "on both sides",
      b.matmul(b.transpose(x, [0, 2, 1]), b.transpose(x, [0, 2, 1]), true, false),
      b.matmul(x, x, false, true),
    ],
  ];
  test.each(cases)("%s", (_, from, to) => {
    expect(simplified(b, from)).toBe(to);
  });

  test("a map that reads its coordinates is not taken for a broadcast", () => {
    const ramp = b.map(mul(arg(0), coord(2)), [row], [2, 6, 4]);
    expect(simplified(b, b.reduce("sum", ramp, [0, 2]))).toBe(
      b.map(mul(arg(0), constant(2)), [b.reduce("sum", b.map(mul(arg(0), coord(2)), [row], [1, 6, 4]), [2])]),
    );
  });
});

describe("the rewriter", () => {
  test("goes through 30,000 nodes in a chain without recursion, with work in proportion", () => {
    const chain = (length: number) => {
      const b = createBuilder();
      let x = b.input("x", [2, 3]);
      for (let i = 0; i < length; i++) {
        x = i % 3 === 0 ? b.transpose(x, [1, 0]) : i % 3 === 1 ? b.blob(x, "x", i) : b.map(neg(arg(0)), [x]);
      }
      const graph = of(x);
      return () => optimise(graph, b);
    };
    expect(nodesOf(chain(30_000)()).length).toBeLessThan(30_000);
    expect(growth(500, chain)).toBeLessThan(1.1);
  });

  test("a net of many layers is differentiated and simplified with work in proportion", () => {
    const side = { kernel: 3, stride: 1, pad: 1, dilation: 1, input: 16, output: 16 };
    const net = (layers: number) => {
      const b = createBuilder();
      const wanted: Node[] = [];
      let x = b.input("data", [4, 8, 16, 16]);
      for (let i = 0; i < layers / 2; i++) {
        const [w, bias] = [b.param(2 * i, [8, 8, 3, 3]), b.param(2 * i + 1, [8, 1, 1])];
        wanted.push(w, bias);
        const product = b.conv(x, w, { groups: 1, spatial: [side, side] });
        const conv = b.blob(b.map(add(arg(0), arg(1)), [product, bias]), "conv", i);
        x = b.blob(b.map(unary("relu", arg(0)), [conv]), "relu", i);
      }
      const seeds = [{ node: x, cotangent: b.constant(1, x.shape) }];
      return () => {
        const cotangents = differentiate(b, { seeds, wanted });
        const gradients = wanted.map(
          (w, param): Root => ({ role: "gradient", param, node: cotangents.get(w)! }),
        );
        return optimise({ roots: [{ role: "value", blob: "x", node: x }, ...gradients] }, b);
      };
    };
    expect(growth(100, net)).toBeLessThan(1.1);
  });

  test("a rule that goes in circles is a fault, not a hang", () => {
    const b = createBuilder();
    const x = b.input("x", [2]);
    const plus = b.map(add(arg(0), constant(1)), [x]);
    const minus = b.map(add(arg(0), constant(-1)), [x]);
    expect(() =>
      rewrite(of(plus), b, (node) => (node === plus ? minus : node === minus ? plus : undefined)),
    ).toThrow(/circles/);
    expect(() =>
      rewrite(of(plus), b, (node) => (node === plus ? b.map(neg(arg(0)), [node]) : undefined)),
    ).toThrow(/circles/);
  });

  test("what no root reaches is not in the result", () => {
    const b = createBuilder();
    const x = b.input("x", [4]);
    const unused = b.map(unary("exp", arg(0)), [x]);
    const graph = optimise(of(b.slice(b.concat([x, unused], 0), 0, 0, 4)), b);
    expect(nodesOf(graph)).toEqual([x]);
  });

  test("roots that were names become what they name; a graph without work comes back itself", () => {
    const b = createBuilder();
    const x = b.input("x", [4]);
    expect(optimise(of(b.blob(b.stop(x), "x", 0)), b).roots[0].node).toBe(x);
    const graph = of(b.map(unary("exp", arg(0)), [x]));
    expect(optimise(graph, b)).toBe(graph);
    const traced: string[] = [];
    optimise(graph, b, { trace: ({ name }, made) => traced.push(`${name} ${made.graph === graph}`) });
    expect(traced).toEqual(["erase names true", "simplify true", "share sums true"]);
    const { inputs } = bind(nodesOf(graph), 1);
    expect(interpret(graph, { inputs, params: new Map() })(graph.roots[0].node)).toHaveLength(4);
  });
});

test("powers of −1/4, −1/2 and −3/4 become roots of the same value, and others stay", () => {
  const b = createBuilder();
  const x = b.input("x", [5]);
  const powers = [-0.25, -0.5, -0.75, 0.75, -1.5].map((exponent) =>
    b.map(mul(binary("pow", add(arg(0), constant(2)), constant(exponent)), constant(3)), [x]),
  );
  const after = powersByRoots(of(...powers), b).roots.map(({ node }) => node);
  expect(after.map((node, i) => node === powers[i])).toEqual([false, false, false, true, true]);
  const values = interpret([...powers, ...after], {
    inputs: new Map([["x", Float64Array.of(-2, -1, 0.5, 7, Infinity)]]),
    params: new Map(),
  });
  powers.forEach((power, i) => {
    values(power).forEach((value, at) => {
      const got = values(after[i])[at];
      if (Number.isFinite(value)) expect(got).toBeCloseTo(value, 12);
      else expect(got).toBe(value);
    });
  });
});
