import { expect, it } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import { arg, unary } from "../../../codegen/ir/scalar.js";
import { type Plan, planGraph } from "../../../codegen/plan/index.js";
import { verifyPlan } from "../../../codegen/plan/verify-plan.js";

function plan(): Plan {
  const b = createBuilder();
  const x = b.input("x", [100]);
  const y = b.map(unary("exp", arg(0)), [x]);
  const sum = b.reduce("sum", b.map(unary("tanh", arg(0)), [y]), [0]);
  return planGraph(
    {
      roots: [
        { role: "value", blob: "y", node: y },
        { role: "value", blob: "sum", node: sum },
      ],
    },
    { realBytes: 4 },
  );
}

it("takes what the planner makes", () => expect(() => verifyPlan(plan())).not.toThrow());

it("sees regions that overlap, leave the arena or are missing", () => {
  const good = plan();
  const moved = good.regions.map((region) => ({ ...region, offset: 0 }));
  expect(() => verifyPlan({ ...good, regions: moved })).toThrow(/regions \d+ and \d+ overlap/);
  expect(() => verifyPlan({ ...good, arenaBytes: 16 })).toThrow("in an arena of 16");
  expect(() => verifyPlan({ ...good, placements: new Map() })).toThrow("lies nowhere");
});
