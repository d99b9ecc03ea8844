/** A sum of products as one product of joined operands, and long sums of pads as one concat. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { differentiate } from "../../../codegen/autodiff/index.js";
import { createBuilder, type GraphBuilder } from "../../../codegen/ir/builder.js";
import { type Graph, type Node, nodesOf, sizeOf } from "../../../codegen/ir/graph.js";
import { add, arg } from "../../../codegen/ir/scalar.js";
import { randomStream } from "../../../runtime/random/index.js";
import { interpret } from "../../support/interpret.js";
import { optimise } from "../../support/pipeline.js";

const of = (...nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i) => ({ role: "value", blob: `r${i}`, node })),
});
const passed = (b: GraphBuilder, node: Node): Node => optimise(of(node), b, { verify: true }).roots[0].node;
const sum = (b: GraphBuilder, terms: readonly Node[]): Node =>
  b.map(
    terms.map((_, i) => arg(i)).reduce((x, y) => add(x, y)),
    terms,
  );
const count = (node: Node, op: Node["op"]): number =>
  nodesOf(of(node)).filter((found) => found.op === op).length;

/** The same values of every input for both. */
function expectSame(before: Node, after: Node): void {
  const stream = randomStream(3, 0);
  const inputs = new Map<string, Float64Array>();
  for (const node of nodesOf(of(before)))
    if (node.op === "input")
      inputs.set(
        node.name,
        Float64Array.from({ length: sizeOf(node.shape) }, () => 2 * stream.uniform() - 1),
      );
  const [old, now] = [before, after].map((node) => interpret([node], { inputs, params: new Map() })(node));
  expect(now.length).toBe(old.length);
  const scale = old.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (const [i, value] of now.entries()) expect(Math.abs(value - old[i]) / scale).toBeLessThan(1e-12);
}

describe("a sum of products", () => {
  test("whose operands lie differently joins those that lie alike", () => {
    const b = createBuilder();
    const shape = (transposed: boolean, rows: number, columns: number): readonly number[] =>
      transposed ? [1, columns, rows] : [1, rows, columns];
    const terms = [0, 1, 2, 3].flatMap((kind) =>
      [0, 1].map((i) => {
        const [transA, transB] = [kind % 2 === 1, kind > 1];
        const [x, y] = [shape(transA, 8, 2), shape(transB, 2, 8)];
        return b.matmul(b.input(`x${kind}${i}`, x), b.input(`y${kind}${i}`, y), transA, transB);
      }),
    );
    const before = sum(b, terms);
    const after = passed(b, before);
    expect(count(after, "matmul")).toBe(4);
    expectSame(before, after);
  });

  test("of outer products is one product, whichever way the operands lie", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 5 }),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 2 }),
        fc.boolean(),
        (inner, transA, transB, batches, rest) => {
          const b = createBuilder();
          const products = inner.map((k, i) =>
            b.matmul(
              b.input(`x${i}`, [batches, ...(transA ? [k, 8] : [8, k])]),
              b.input(`y${i}`, [1, ...(transB ? [9, k] : [k, 9])]),
              transA,
              transB,
            ),
          );
          const terms = rest ? [b.input("z", [batches, 8, 9]), ...products] : products;
          const before = sum(b, terms);
          const after = passed(b, before);
          expect(count(after, "matmul")).toBe(1);
          expectSame(before, after);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("that are smaller than what would be joined stays", () => {
    const b = createBuilder();
    const product = (i: number) => b.matmul(b.input(`x${i}`, [1, 2, 30]), b.input(`y${i}`, [1, 30, 2]));
    const before = sum(b, [product(0), product(1)]);
    expect(passed(b, before)).toBe(before);
  });

  test("of other kinds joins each kind", () => {
    const b = createBuilder();
    const x = (i: number) => b.input(`x${i}`, [1, 8, 1]);
    const y = (i: number) => b.input(`y${i}`, [1, 1, 8]);
    const before = sum(b, [
      b.matmul(x(0), y(0)),
      b.matmul(y(1), x(1), true, true),
      b.matmul(x(2), y(2)),
      b.matmul(y(3), x(3), true, true),
    ]);
    const after = passed(b, before);
    expect(count(after, "matmul")).toBe(2);
    expectSame(before, after);
  });
});

describe("a chain of steps that read one matrix and slices of one tensor", () => {
  /** hₜ = hₜ₋₁ W + xₜ. */
  function chain(b: GraphBuilder, steps: number): { readonly w: Node; readonly x: Node; readonly h: Node } {
    const w = b.input("w", [1, 12, 12]);
    const x = b.input("x", [steps, 2, 12]);
    let h = b.input("h", [1, 2, 12]);
    for (let t = 0; t < steps; t++) h = sum(b, [b.matmul(h, w), b.slice(x, 0, t, 1)]);
    return { w, x, h };
  }

  // A sum of more than 32 terms is a chain of sums.
  test.each([2, 31, 70, 150])("%d steps: one product for the matrix, one concat for the tensor", (steps) => {
    const b = createBuilder();
    const { w, x, h } = chain(b, steps);
    const cotangents = differentiate(b, {
      seeds: [{ node: h, cotangent: b.input("g", h.shape) }],
      wanted: [w, x],
    });
    const [dw, dx] = [cotangents.get(w)!, cotangents.get(x)!];
    const [toW, toX] = [passed(b, dw), passed(b, dx)];
    expect(toW.op).toBe("matmul");
    expect(sizeOf(toW.inputs[0].shape)).toBe(steps * 24);
    expect(toX.op).toBe("concat");
    expect(count(toX, "pad")).toBe(0);
    expect(toX.inputs).toHaveLength(steps);
    if (steps > 40) return;
    expectSame(dw, toW);
    expectSame(dx, toX);
  });

  test("takes time and nodes linear in the steps", () => {
    const nodes = (steps: number): number => {
      const b = createBuilder();
      const { w, x, h } = chain(b, steps);
      const cotangents = differentiate(b, {
        seeds: [{ node: h, cotangent: b.input("g", h.shape) }],
        wanted: [w, x],
      });
      return nodesOf(optimise(of(cotangents.get(w)!, cotangents.get(x)!), b)).length;
    };
    const [small, middle, large] = [nodes(50), nodes(100), nodes(200)];
    expect(large - middle).toBe(2 * (middle - small));
  });
});
