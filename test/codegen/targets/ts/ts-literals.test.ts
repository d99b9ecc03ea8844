import { expect, test } from "vitest";
import { createBuilder } from "../../../../codegen/ir/builder.js";
import { arg, constant, select } from "../../../../codegen/ir/scalar.js";
import { planGraph } from "../../../../codegen/plan/index.js";
import { tsTarget } from "../../../../codegen/targets/index.js";
import { lowerFor, tsSource } from "../../../support/pipeline.js";

test("numbers are written as they are: −0, infinities, the least", () => {
  const b = createBuilder();
  const value = [-0, Number.NEGATIVE_INFINITY, 5e-324].reduce(
    (rest, x, i) => select("lt", arg(0), constant(i), constant(x), rest),
    arg(0),
  );
  const node = b.map(value, [b.input("x", [2])]);
  const plan = planGraph({ roots: [{ role: "value", blob: "y", node }] }, { realBytes: 8 });
  const source = tsSource(lowerFor(tsTarget, plan, { dtype: "float64" }), "float64");
  expect(source).toContain("v0 < 2 ? 5e-324 : v0 < 1 ? -Infinity : v0 < 0 ? -0 : v0");
});
