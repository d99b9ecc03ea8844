/** What parameters alone determine is computed when they have changed: of inference only. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import { type Graph, type Node, nodesOf, type Root } from "../../../codegen/ir/graph.js";
import { printGraph } from "../../../codegen/ir/print-graph.js";
import {
  add,
  arg,
  binary,
  constant,
  coord,
  div,
  mul,
  type Scalar,
  sub,
  unary,
} from "../../../codegen/ir/scalar.js";
import { verify } from "../../../codegen/ir/verify.js";
import { foldParameters, simplify } from "../../../codegen/passes/index.js";
import { bindLeaves } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { randomGraph } from "../../support/random-graph.js";

const preparedOf = (graph: Graph): readonly Node[] =>
  graph.roots.filter(({ role }) => role === "prepared").map(({ node }) => node);

/** relu((x + bias − mean) / √(variance + ε) · gamma + beta), a map for each layer, as a net has it. */
function normalised() {
  const b = createBuilder();
  const param = (index: number): Node => b.param(index, [1, 3, 1]);
  const biased = b.map(add(arg(0), arg(1)), [b.input("x", [2, 3, 4]), param(0)]);
  const mean = b.map(div(arg(0), arg(1)), [b.param(1, [3]), b.param(2, [1])]);
  const centred = b.map(sub(arg(0), arg(1)), [biased, b.reshape(mean, [1, 3, 1])]);
  const deviation = unary("sqrt", add(mul(arg(1), arg(1)), constant(1e-5)));
  const normal = b.map(div(arg(0), deviation), [centred, param(3)]);
  const scaled = b.map(add(mul(arg(0), arg(1)), arg(2)), [normal, param(4), param(5)]);
  const node = b.map(unary("relu", arg(0)), [scaled]);
  return { b, graph: { roots: [{ role: "value", blob: "y", node }] } satisfies Graph, centred };
}
const values = (graph: Graph): ReturnType<typeof bindLeaves> => bindLeaves(graph, 5);

it("a BatchNorm and its Scale are one addition and one multiply-add of an element", () => {
  const { b, graph } = normalised();
  const folded = foldParameters(graph, b);
  verify(folded);
  expect(printGraph({ roots: folded.roots.slice(0, 1) })).toMatch(/relu\(\(%\d+ \+ %\d+\) \* %\d+ \+ %\d+\)/);
  const prepared = preparedOf(folded);
  expect(prepared.map(({ shape }) => shape)).toEqual([
    [1, 3, 1],
    [1, 3, 1],
  ]);
  const given = values(graph);
  const [before, after] = [interpret(graph, given), interpret(folded, given)];
  const [old, now] = [before(graph.roots[0].node), after(folded.roots[0].node)];
  expect(old.some((x) => x > 0)).toBe(true);
  now.forEach((x, i) => void expect(x).toBeCloseTo(old[i], 12));
});

it("a value that something else needs stays what it is", () => {
  const { b, graph, centred } = normalised();
  const folded = foldParameters(
    { roots: [...graph.roots, { role: "value", blob: "centred", node: centred }] },
    b,
  );
  const kept = folded.roots[1].node;
  const now = interpret(folded, values(graph));
  const before = interpret({ roots: [{ role: "value", blob: "centred", node: centred }] }, values(graph));
  now(kept).forEach((x, i) => void expect(x).toBeCloseTo(before(centred)[i], 12));
  expect(nodesOf({ roots: [folded.roots[0]] })).toContain(kept);
});

it("values close to a large mean keep their digits", () => {
  const b = createBuilder();
  const [x, mean, deviation] = [b.input("x", [4]), b.param(0, [4]), b.param(1, [4])];
  const graph: Graph = {
    roots: [
      {
        role: "value",
        blob: "y",
        node: b.map(div(sub(arg(0), arg(1)), unary("sqrt", arg(2))), [x, mean, deviation]),
      },
    ],
  };
  expect(printGraph({ roots: foldParameters(graph, b).roots.slice(0, 1) })).toMatch(
    /\(%0 - %1\) \* %\d+|\(%0 \+ %\d+\) \* %\d+/,
  );
});

it("a net with a backward pass, or with updates, is left alone", () => {
  const { b, graph } = normalised();
  const [{ node }] = graph.roots;
  const diff: Graph = { roots: [...graph.roots, { role: "diff", blob: "y", node }] };
  expect(foldParameters(diff, b)).toBe(diff);
  const update: Graph = {
    roots: [...graph.roots, { role: "update", pass: "forward", param: 0, node: b.param(0, [1, 3, 1]) }],
  };
  expect(foldParameters(update, b)).toBe(update);
});

it("what parameters would take more memory for, or what depends on a position, is not prepared", () => {
  const b = createBuilder();
  const x = b.input("x", [8, 5]);
  const outer = b.map(binary("pow", arg(0), arg(1)), [b.param(0, [8, 1]), b.param(1, [1, 5])]);
  const moving = b.map(mul(unary("exp", add(arg(1), coord(0))), arg(0)), [x, b.param(2, [1, 5])]);
  const graph: Graph = {
    roots: [
      { role: "value", blob: "a", node: b.map(add(arg(0), arg(1)), [x, outer]) },
      { role: "value", blob: "b", node: moving },
    ],
  };
  expect(preparedOf(foldParameters(graph, b))).toEqual([]);
});

it("weights that are computed from parameters are prepared for whatever reads them", () => {
  const b = createBuilder();
  const weights = b.map(unary("tanh", arg(0)), [b.param(0, [1, 5, 6])]);
  const graph: Graph = {
    roots: [{ role: "value", blob: "y", node: b.matmul(b.input("x", [1, 4, 5]), weights) }],
  };
  expect(preparedOf(foldParameters(graph, b))).toEqual([weights]);
});

const STEPS = {
  add: (x: Scalar, w: Scalar) => add(x, w),
  take: (x: Scalar, w: Scalar) => sub(x, w),
  "take from": (x: Scalar, w: Scalar) => sub(w, x),
  multiply: (x: Scalar, w: Scalar) => mul(x, w),
  divide: (x: Scalar, w: Scalar) => div(x, add(constant(1), mul(w, w))),
  "divide by": (x: Scalar, w: Scalar) => div(w, add(constant(1), mul(x, x))),
  both: (x: Scalar, w: Scalar) => add(mul(x, w), div(sub(w, x), add(constant(2), unary("exp", w)))),
  relu: (x: Scalar) => unary("relu", x),
} as const;

it("chains of maps with parameters keep their values", () => {
  let prepared = 0;
  const chain = fc.array(
    fc.record({
      step: fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
      wide: fc.boolean(),
      kept: fc.nat(5),
    }),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(chain, fc.nat(), (steps, seed) => {
      const b = createBuilder();
      const roots: Root[] = [];
      let node: Node = b.input("x", [2, 3, 4]);
      for (const [i, { step, wide, kept }] of steps.entries()) {
        const w = b.param(i, wide ? [1, 3, 1] : [1, 1, 4]);
        node = b.map(STEPS[step](arg(0), arg(1)), [node, w]);
        if (kept === 0) roots.push({ role: "value", blob: `kept${i}`, node });
      }
      const graph: Graph = { roots: [...roots, { role: "value", blob: "y", node }] };
      const folded = foldParameters(graph, b);
      verify(folded);
      prepared += preparedOf(folded).length;
      const bindings = bindLeaves(graph, seed);
      const [before, after] = [interpret(graph, bindings), interpret(folded, bindings)];
      graph.roots.forEach((root, i) => {
        const [old, now] = [before(root.node), after(folded.roots[i].node)];
        const scale = 1 + old.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        now.forEach((x, at) => void expect(Math.abs(x - old[at]) / scale).toBeLessThan(1e-11));
      });
    }),
    { numRuns: 300 },
  );
  expect(prepared).toBeGreaterThan(100);
});

it("random graphs keep their values", () => {
  fc.assert(
    fc.property(randomGraph(), ({ builder, graph, bindings }) => {
      const folded = foldParameters(simplify(graph, builder), builder);
      verify(folded);
      const [before, after] = [interpret(graph, bindings), interpret(folded, bindings)];
      graph.roots.forEach(({ node }, i) => {
        const [old, now] = [before(node), after(folded.roots[i].node)];
        now.forEach((x, at) => {
          if (Number.isFinite(old[at])) expect(x).toBeCloseTo(old[at], 9);
        });
      });
    }),
    { numRuns: 100 },
  );
});
