import fc from "fast-check";
import { expect, test } from "vitest";
import { interpret } from "../support/interpret.js";
import { randomGraph } from "../support/random-graph.js";

test("every random graph has finite values of moderate size", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(randomGraph(), ({ graph, bindings }) => {
      const valueOf = interpret(graph, bindings);
      for (const root of graph.roots) {
        for (const value of valueOf(root.node)) expect(Math.abs(value)).toBeLessThan(1e4);
        const pending=[root.node]; for (let n=pending.pop();n;n=pending.pop()) { seen.set(n.op,(seen.get(n.op)??0)+1); pending.push(...n.inputs);} 
      }
    }),
    { numRuns: 300 },
  );
  console.log(seen);
});
