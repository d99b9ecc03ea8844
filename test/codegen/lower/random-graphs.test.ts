import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planGraph } from "../../../codegen/plan/index.js";
import { odd, withOdd } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { randomGraph } from "../../support/random-graph.js";
import { differenceFrom, makeRunnable } from "../../support/run.js";

describe("random graphs", () => {
  it.each([
    { dtype: "float64", fuse: false, alias: false },
    { dtype: "float64", fuse: true, alias: true },
  ] as const)("compute what the interpreter computes: %j", ({ dtype, fuse, alias }) => {
    fc.assert(
      fc.property(randomGraph({ backward: true }), odd, ({ graph, bindings: usual }, value) => {
        const bindings = withOdd(usual, value);
        const expected = interpret(graph, bindings);
        const plan = planGraph(graph, { realBytes: 8, fuse, alias });
        const net = makeRunnable(plan, { dtype, seed: bindings.seed });
        net.run(bindings);
        expect(differenceFrom(expected, graph, net)).toBeUndefined();
      }),
      { numRuns: 120 },
    );
  });
});
