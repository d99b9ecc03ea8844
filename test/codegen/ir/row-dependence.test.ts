/** What is said to depend on one row alone does: other rows may change. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import { type Node, nodesOf } from "../../../codegen/ir/graph.js";
import { rowDependence } from "../../../codegen/ir/row-dependence.js";
import { add, arg } from "../../../codegen/ir/scalar.js";
import { interpret } from "../../support/interpret.js";
import { build, recipe, values } from "../../support/random-graph.js";

const DATA = new Set(["data"]);

describe("rows of random graphs", () => {
  it("do not change with others, where a value is said to be told row by row", () => {
    const told = { rows: 0, mixed: 0, none: 0 };
    const shaped = fc.tuple(recipe(), fc.integer({ min: 2, max: 4 })).map(([made, rows]) => ({
      ...made,
      shape: [rows, ...made.shape.slice(1)],
    }));
    fc.assert(
      fc.property(shaped, fc.nat({ max: 3 }), (made, last) => {
        const { graph, bindings } = build(made);
        const [rows] = made.shape;
        const kept = 1 + (last % (rows - 1));
        const data = bindings.inputs.get("data") ?? new Float64Array();
        const changed = data.slice();
        const from = (data.length / rows) * kept;
        changed.set(values(data.length - from, made.seed + 1), from);
        const value = interpret(graph, bindings);
        const other = interpret(graph, {
          ...bindings,
          inputs: new Map([...bindings.inputs, ["data", changed]]),
        });
        const nodes = nodesOf(graph);
        const dependence = rowDependence(nodes, rows, DATA);
        for (const node of nodes) {
          const found = dependence(node);
          told[typeof found === "string" ? found : "rows"]++;
          if (found === "mixed") continue;
          const isKept = (_: number, at: number): boolean =>
            found === "none" || Math.floor(at / found.inner) % rows < kept;
          expect(other(node).filter(isKept)).toEqual(value(node).filter(isKept));
        }
      }),
      { numRuns: 80 },
    );
    // It is not said of all alike.
    expect(told.rows).toBeGreaterThan(told.mixed);
    for (const count of Object.values(told)) expect(count).toBeGreaterThan(20);
  });
});

describe("rows", () => {
  const b = createBuilder();
  const x = b.input("data", [4, 6]);
  const w = b.param(0, [6, 6]);
  const of = (node: Node) => rowDependence([node], 4, DATA)(node);
  const sum = b.map(add(arg(0), arg(1)), [x, b.transpose(b.reshape(x, [6, 4]), [1, 0])]);

  const square = b.reshape(b.slice(x, 1, 0, 4), [1, 4, 4]);

  it.each([
    ["those of an input", x, { inner: 6 }],
    ["a parameter has none", w, "none"],
    [
      "a product with weights keeps",
      b.matmul(b.reshape(x, [1, 4, 6]), b.reshape(w, [1, 6, 6])),
      { inner: 6 },
    ],
    ["transposed they lie along another axis", b.transpose(x, [1, 0]), { inner: 1 }],
    ["taken apart and put together again", b.reshape(b.reshape(x, [2, 2, 6]), [4, 6]), { inner: 6 }],
    ["two batches, one after the other", b.concat([x, x], 0), { inner: 6 }],
    ["and one of them again", b.slice(b.concat([x, x], 0), 0, 4, 4), { inner: 6 }],
    ["a sum over them mixes", b.reduce("sum", x, [0]), "mixed"],
    ["a sum over others does not", b.reduce("sum", x, [1]), { inner: 1 }],
    [
      "a product with itself mixes",
      b.matmul(b.reshape(x, [1, 4, 6]), b.reshape(x, [1, 4, 6]), false, true),
      "mixed",
    ],
    ["a product over them mixes", b.matmul(square, b.param(1, [1, 4, 4]), true), "mixed"],
    ["a part of them mixes", b.slice(x, 0, 1, 2), "mixed"],
    ["what reads one at the place of another mixes", sum, "mixed"],
  ])("%s", (_, node, expected) => {
    expect(of(node)).toEqual(expected);
  });
});
