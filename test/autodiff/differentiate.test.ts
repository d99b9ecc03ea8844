import fc from "fast-check";
import { expect, test } from "vitest";
import { differentiate } from "../../src/autodiff/index.js";
import { verify } from "../../src/ir/index.js";
import { type Bindings, interpret } from "../support/interpret.js";
import { build, randomGraph, recipe, values } from "../support/random-graph.js";

test("smooth graphs: the cotangents agree with central differences along a random direction", () => {
  fc.assert(
    fc.property(recipe({ smooth: true }), (made) => {
      const { builder: b, graph, bindings, leaves } = build(made);
      const seeds = graph.roots.map(({ node }, i) => ({ node, cotangent: b.input(`c${i}`, node.shape) }));
      const cotangents = differentiate(b, { seeds, wanted: leaves });
      const weights = graph.roots.map(({ node }, i) =>
        values(
          node.shape.reduce((x, y) => x * y, 1),
          77 + i,
        ),
      );
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
          const direction = values(
            leaf.shape.reduce((x, y) => x * y, 1),
            5 + leaf.id,
          );
          if (leaf.op === "input") inputs.set(leaf.name, shifted(inputs.get(leaf.name)!, direction, step));
          if (leaf.op === "param") params.set(leaf.index, shifted(params.get(leaf.index)!, direction, step));
        }
        return { ...full, inputs, params };
      };
      for (const leaf of leaves) {
        const cotangent = cotangents.get(leaf);
        if (cotangent) {
          slope += dot(
            cotangentAt(cotangent),
            values(
              leaf.shape.reduce((x, y) => x * y, 1),
              5 + leaf.id,
            ),
          );
        }
      }
      const h = 1e-5;
      const measured = (objective(moved(h)) - objective(moved(-h))) / (2 * h);
      const scale = 1 + Math.abs(slope) + Math.abs(objective(full));
      expect(Math.abs(slope - measured) / scale).toBeLessThan(1e-6);
    }),
    { numRuns: 200 },
  );
});

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
const shifted = (x: Float64Array, by: Float64Array, step: number): Float64Array =>
  x.map((value, i) => value + step * by[i]);

test("any graph: forward and backward verify", () => {
  fc.assert(
    fc.property(randomGraph({ backward: true }), ({ graph }) => verify(graph)),
    { numRuns: 300 },
  );
});
