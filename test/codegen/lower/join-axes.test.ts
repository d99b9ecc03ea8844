/** Axes that one loop walks: views that shift a coordinate and back must not be walked as if they did not. */
import { expect, it } from "vitest";
import { createBuilder, type GraphBuilder } from "../../../codegen/ir/builder.js";
import type { Node } from "../../../codegen/ir/graph.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { interpret } from "../../support/interpret.js";
import { makeRunnable } from "../../support/run.js";

const SHAPE = [2, 1, 3];

/** Each leaves the way in and the way out in one stride, and not what lies between. */
const VIEWS: readonly (readonly [name: string, make: (b: GraphBuilder, x: Node) => Node])[] = [
  [
    "a pad, seen in another shape, and a slice",
    (b, x) => b.slice(b.reshape(b.pad(b.reshape(x, [2, 1, 1, 3]), 2, 0, 1), [2, 2, 3]), 1, 0, 1),
  ],
  ["a pad of the last axis, and a slice", (b, x) => b.slice(b.pad(x, 2, 1, 3), 2, 1, 3)],
  [
    "a concat, seen in another shape, and a slice",
    (b, x) => b.slice(b.reshape(b.concat([x, b.constant(7, SHAPE)], 1), [2, 1, 6]), 2, 0, 3),
  ],
  [
    "a sum over the second of two",
    (b, x) => b.reduce("sum", b.slice(b.pad(b.reshape(x, [2, 3, 1]), 1, 0, 2), 1, 0, 3), [2]),
  ],
];

it.each(VIEWS)("%s", (_, make) => {
  const b = createBuilder();
  const node = make(b, b.input("x", SHAPE));
  const x = Float64Array.of(1, 2, 3, 4, 5, 6);
  const plan = planGraph({ roots: [{ role: "value", blob: "y", node }] }, { realBytes: 8 });
  const runnable = makeRunnable(plan, { dtype: "float64" });
  runnable.run({ inputs: new Map([["x", x]]), params: new Map() });
  const expected = interpret([node], { inputs: new Map([["x", x]]), params: new Map() })(node);
  expect(Array.from(runnable.read(node))).toEqual(Array.from(expected));
});
