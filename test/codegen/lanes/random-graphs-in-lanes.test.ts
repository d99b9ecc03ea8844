import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodesOf } from "../../../codegen/ir/graph.js";
import { printGraph } from "../../../codegen/ir/print-graph.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { odd, withOdd } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { randomGraph } from "../../support/random-graph.js";
import { makeRunnable } from "../../support/run.js";

const WIDTHS = [
  { vectorBytes: 16, dtype: "float64" },
  { vectorBytes: 32, dtype: "float64" },
  { vectorBytes: 64, dtype: "float64" },
] as const;

describe("random graphs in lanes", () => {
  it.each(WIDTHS)("compute what the interpreter computes: %j", ({ vectorBytes, dtype }) => {
    fc.assert(
      fc.property(
        randomGraph({ backward: true }),
        odd,
        fc.boolean(),
        ({ graph, bindings: usual }, value, fuse) => {
          // Padding written out is a product with every weight: of an infinite one it is NaN (docs/DIFFERENCES.md).
          const padded = nodesOf(graph).some((node) => node.op === "convData");
          const bindings = withOdd(usual, padded ? undefined : value);
          const expected = interpret(graph, bindings);
          const plan = planGraph(graph, { realBytes: 8, fuse, alias: fuse });
          const net = makeRunnable(plan, { dtype, seed: bindings.seed, vectorBytes });
          net.run(bindings);
          for (const { role, node } of graph.roots) {
            const [got, want] = [net.read(node), expected(node)];
            for (let i = 0; i < want.length; i++)
              if (
                !Object.is(got[i], want[i]) &&
                !(Math.abs(got[i] - want[i]) <= 1e-9 * Math.max(1, Math.abs(want[i])))
              )
                expect.fail(
                  `${role} %${node.id}[${i}]: ${got[i]}, not ${want[i]}\n${printGraph(graph)}\n${net.source}`,
                );
          }
        },
      ),
      { numRuns: 10 },
    );
  });
});
