import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { differentiate } from "../../../codegen/autodiff/index.js";
import { createBuilder, type Graph, nodesOf, printGraph, sizeOf, verify } from "../../../codegen/ir/index.js";
import { add, arg, constant, mul, select, sub, unary } from "../../../codegen/ir/scalar.js";
import { type Bindings, interpret } from "../../support/interpret.js";
import { build, randomGraph, recipe, values } from "../../support/random-graph.js";
import { growth } from "../../support/work.js";

test("smooth graphs: the cotangents agree with central differences along a random direction", () => {
  fc.assert(
    fc.property(recipe({ smooth: true }), (made) => {
      const { builder: b, graph, bindings, leaves } = build(made);
      const seeds = graph.roots.map(({ node }, i) => ({ node, cotangent: b.input(`c${i}`, node.shape) }));
      const cotangents = differentiate(b, { seeds, wanted: leaves });
      const weights = graph.roots.map(({ node }, i) => values(sizeOf(node.shape), 77 + i));
      const objective = (at: Bindings): number => {
        const valueAt = interpret(graph, at);
        return graph.roots.reduce((sum, { node }, i) => sum + dot(valueAt(node), weights[i]), 0);
      };
      const full: Bindings = {
        ...bindings,
        inputs: new Map([...bindings.inputs, ...weights.map((w, i) => [`c${i}`, w] as const)]),
      };
      const cotangentAt = interpret([...cotangents.values()], full);
      let slope = 0;
      const moved = (step: number): Bindings => {
        const inputs = new Map(full.inputs);
        const params = new Map(full.params);
        for (const leaf of leaves) {
          const direction = values(sizeOf(leaf.shape), 5 + leaf.id);
          if (leaf.op === "input") inputs.set(leaf.name, shifted(inputs.get(leaf.name)!, direction, step));
          if (leaf.op === "param") params.set(leaf.index, shifted(params.get(leaf.index)!, direction, step));
        }
        return { ...full, inputs, params };
      };
      for (const leaf of leaves) {
        const cotangent = cotangents.get(leaf);
        if (cotangent) {
          slope += dot(cotangentAt(cotangent), values(sizeOf(leaf.shape), 5 + leaf.id));
        }
      }
      const h = 1e-5;
      const measured = (objective(moved(h)) - objective(moved(-h))) / (2 * h);
      const scale = 1 + Math.abs(slope) + Math.abs(objective(full));
      expect(Math.abs(slope - measured) / scale).toBeLessThan(1e-7);
    }),
    { numRuns: 200 },
  );
});

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
const shifted = (x: Float64Array, by: Float64Array, step: number): Float64Array =>
  x.map((value, i) => value + step * by[i]);

describe("what is walked", () => {
  const exp = unary("exp", arg(0));

  test("a wanted value that no seed depends on has no cotangent; nor has what is not wanted", () => {
    const b = createBuilder();
    const [x, y] = [b.input("x", [3]), b.input("y", [3])];
    const node = b.map(exp, [x]);
    const side = b.map(mul(arg(0), arg(1)), [node, y]);
    const cotangents = differentiate(b, {
      seeds: [{ node: side, cotangent: b.input("g", [3]) }],
      wanted: [x, b.param(0, [3])],
    });
    expect([...cotangents.keys()]).toEqual([side, node, x]);
  });

  test("nothing passes a stop, a position, a floor or a condition", () => {
    const b = createBuilder();
    const x = b.input("x", [3]);
    const nodes = [
      b.stop(x),
      b.map(arg(0), [b.reduce("argmax", x, [0])]),
      b.map(unary("floor", arg(0)), [x]),
      b.map(select("gt", arg(0), constant(0), constant(1), constant(2)), [x]),
    ];
    for (const node of nodes) {
      const top = b.map(exp, [node]);
      const cotangents = differentiate(b, {
        seeds: [{ node: top, cotangent: b.constant(1, top.shape) }],
        wanted: [x],
      });
      expect(cotangents.has(x)).toBe(false);
    }
  });

  test("a blob's cotangent is the sum over its readers, and every name on the way has one", () => {
    const b = createBuilder();
    const x = b.input("x", [3]);
    const data = b.blob(x, "data", 0);
    const [left, right] = [b.map(exp, [data]), b.map(unary("tanh", arg(0)), [data])];
    const named = b.blob(left, "left", 0);
    const [g, h] = [b.input("g", [3]), b.input("h", [3])];
    const cotangents = differentiate(b, {
      seeds: [
        { node: named, cotangent: g },
        { node: right, cotangent: h },
      ],
      wanted: [x],
    });
    expect(cotangents.get(named)).toBe(g);
    expect(cotangents.get(data)).toBe(cotangents.get(x));
    expect(cotangents.get(data)).toBe(
      b.map(add(arg(0), arg(1)), [
        b.map(mul(arg(1), sub(constant(1), mul(arg(0), arg(0)))), [right, h]),
        b.map(mul(arg(1), arg(0)), [left, g]),
      ]),
    );
  });

  test("a seed may come twice, lie below another, or be what is wanted", () => {
    const b = createBuilder();
    const x = b.input("x", [3]);
    const node = b.map(exp, [x]);
    const [g, h] = [b.input("g", [3]), b.input("h", [3])];
    const twice = differentiate(b, {
      seeds: [
        { node, cotangent: g },
        { node, cotangent: h },
        { node: x, cotangent: h },
      ],
      wanted: [x, node],
    });
    const sum = b.map(add(arg(0), arg(1)), [g, h]);
    expect(twice.get(node)).toBe(sum);
    expect(twice.get(x)).toBe(b.map(add(arg(0), arg(1)), [h, b.map(mul(arg(1), arg(0)), [node, sum])]));
  });

  test("nothing is computed of what a stop alone leads to", () => {
    const b = createBuilder();
    const x = b.input("x", [3]);
    const beside = b.map(exp, [b.stop(x)]);
    const node = b.map(add(arg(0), arg(1)), [x, beside]);
    const cotangents = differentiate(b, { seeds: [{ node, cotangent: b.input("g", [3]) }], wanted: [x] });
    expect([...cotangents.keys()]).toEqual([node, x]);
  });

  test("new nodes carry the layer they are the derivative of", () => {
    const b = createBuilder();
    const x = b.input("x", [3]);
    b.origin = "exp1";
    const node = b.map(exp, [x]);
    b.origin = "elsewhere";
    const cotangents = differentiate(b, {
      seeds: [{ node, cotangent: b.input("g", [3]) }],
      wanted: [x],
    });
    expect(cotangents.get(x)?.origin).toBe("exp1");
    expect(b.origin).toBe("elsewhere");
  });

  test("a cotangent of another shape is a fault", () => {
    const b = createBuilder();
    const x = b.input("x", [3]);
    expect(() =>
      differentiate(b, { seeds: [{ node: x, cotangent: b.constant(1, [2]) }], wanted: [x] }),
    ).toThrow(/a cotangent of shape \[2\]/);
  });
});

describe("size", () => {
  test("a value read 1,000 times: sums stay short, and right", () => {
    const b = createBuilder();
    const x = b.input("x", [2]);
    const seeds = Array.from({ length: 1000 }, (_, i) => ({
      node: b.map(mul(arg(0), constant(i + 2)), [x]),
      cotangent: b.constant(1, [2]),
    }));
    const node = differentiate(b, { seeds, wanted: [x] }).get(x)!;
    const graph: Graph = { roots: [{ role: "value", blob: "dx", node }] };
    expect(Math.max(...nodesOf(graph).map(({ inputs }) => inputs.length))).toBeLessThanOrEqual(32);
    const value = interpret([node], { inputs: new Map([["x", Float64Array.of(1, 1)]]), params: new Map() })(
      node,
    );
    expect(value[0]).toBe((1000 * 1001) / 2 + 1000);
  });

  test("30,000 nodes in a chain, with work in proportion", () => {
    const chain = (length: number) => {
      const b = createBuilder();
      let node = b.input("x", [2, 3]);
      const x = node;
      for (let i = 0; i < length; i++) {
        node = i % 2 === 0 ? b.map(unary("sigmoid", arg(0)), [node]) : b.map(mul(arg(0), arg(0)), [node]);
      }
      const seeds = [{ node, cotangent: b.constant(1, [2, 3]) }];
      return () => differentiate(b, { seeds, wanted: [x] });
    };
    expect(chain(30_000)().size).toBe(30_001);
    expect(growth(500, chain)).toBeLessThan(1.1);
  });
});

test("any graph: forward and backward verify", () => {
  fc.assert(
    fc.property(randomGraph({ backward: true }), ({ graph }) => verify(graph)),
    { numRuns: 300 },
  );
});

test("the same graph is differentiated the same way, node for node", () => {
  fc.assert(
    fc.property(recipe(), (made) => {
      expect(printGraph(build(made, true).graph)).toBe(printGraph(build(made, true).graph));
    }),
    { numRuns: 100 },
  );
});
