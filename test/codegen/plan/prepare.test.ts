import { expect, it } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import type { Graph } from "../../../codegen/ir/graph.js";
import { arg, mul, unary } from "../../../codegen/ir/scalar.js";
import { formatPlan, planGraph } from "../../../codegen/plan/index.js";
import { tsTarget } from "../../../codegen/targets/index.js";
import { lowerFor } from "../../support/pipeline.js";

/** y = x · tanh(w), where tanh(w) is made once; a longer chain beside it takes and gives back memory. */
function net(prepared: boolean): Graph {
  const b = createBuilder();
  const x = b.input("x", [64]);
  const packed = b.map(unary("tanh", arg(0)), [b.param(0, [64])]);
  const y = b.map(mul(arg(0), arg(1)), [x, packed]);
  const sum = b.reduce("sum", b.map(unary("exp", arg(0)), [y]), [0]);
  return {
    roots: [
      { role: "value", blob: "y", node: y },
      { role: "value", blob: "sum", node: sum },
      ...(prepared ? [{ role: "prepared", node: packed } as const] : []),
    ],
  };
}

it("what is prepared is a pass of its own, and nothing else takes its memory", () => {
  const plan = planGraph(net(true), { realBytes: 4 });
  expect(plan.steps.map(({ pass }) => pass)[0]).toBe("prepare");
  expect(plan.firstForward).toBe(1);
  const [{ stores }] = plan.steps;
  const region = plan.regions.find(({ holds }) => holds.includes(stores[0]));
  expect(region).toMatchObject({ first: -1, last: plan.steps.length - 1, holds: stores });
  expect(formatPlan(plan)).toContain("prepare, when parameters have changed: 1 step");
  const program = lowerFor(tsTarget, plan);
  expect(program.prepare).toHaveLength(1);
  expect(program.forward).toHaveLength(plan.steps.length - 1);
});

it("a net that prepares nothing has no such pass", () => {
  const plan = planGraph(net(false), { realBytes: 4 });
  expect(plan.firstForward).toBe(0);
  expect(lowerFor(tsTarget, plan).prepare).toEqual([]);
});

it("only what depends on parameters can be prepared", () => {
  const b = createBuilder();
  const node = b.map(unary("tanh", arg(0)), [b.input("x", [4])]);
  expect(() => planGraph({ roots: [{ role: "prepared", node }] }, { realBytes: 4 })).toThrow(
    /changes with every/,
  );
});
