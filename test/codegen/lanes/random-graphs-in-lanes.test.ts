import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodesOf } from "../../../codegen/ir/graph.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { odd, withOdd } from "../../support/graph-values.js";
import { interpret } from "../../support/interpret.js";
import { randomGraph } from "../../support/random-graph.js";
import { differenceFrom, makeRunnable } from "../../support/run.js";
import { runWasmGraphs } from "../../support/wasm-graphs.js";

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
          expect(differenceFrom(expected, graph, net)).toBeUndefined();
        },
      ),
      { numRuns: 40 },
    );
  });

  it("compute what the interpreter computes as WebAssembly", async () => {
    const cases = fc
      .sample(fc.tuple(randomGraph({ backward: true }), odd, fc.boolean()), { numRuns: 30, seed: 1 })
      .map(([{ graph, bindings: usual }, value, fuse], i) => {
        const padded = nodesOf(graph).some((node) => node.op === "convData");
        return { name: `graph ${i}`, graph, bindings: withOdd(usual, padded ? undefined : value), fuse };
      });
    expect(await runWasmGraphs(cases)).toEqual([]);
  });
});
