/** Drawn graphs with products of 8 bits: the file computes what the graph says, rounding and all. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Graph } from "../../../codegen/ir/graph.js";
import { foldConvolutions } from "../../../codegen/onnx/fold-convolutions.js";
import { levelsOfRange } from "../../../codegen/onnx/quantisation.js";
import { quantiseProducts } from "../../../codegen/onnx/quantise-products.js";
import { productsIn } from "../../../codegen/onnx/weighted-products.js";
import { passedGraph } from "../../../src/net/programs.js";
import { relativeError } from "../../support/case.js";
import { interpret } from "../../support/interpret.js";
import { hasOnnxRuntime, runOnnx } from "../../support/onnx.js";
import { graphAsFile } from "../../support/onnx-graph.js";
import { type RandomGraph, randomGraph } from "../../support/random-graph.js";

const GRAPHS = 400;

/** The graph with every product in 8 bits, by the ranges that values have; undefined where it has none. */
function quantisedOf({ graph, builder, bindings }: RandomGraph): Graph | undefined {
  const outputs = new Set(graph.roots.keys());
  const folded = foldConvolutions(passedGraph(graph, builder), builder, outputs);
  const products = productsIn(folded, builder, outputs);
  if (products.all.length === 0) return undefined;
  const read = interpret([...products.values.values()], bindings);
  return quantiseProducts(folded, products, {
    has: () => true,
    levelsOf(key) {
      const values = read(products.values.get(key)!);
      return levelsOfRange(builder, { least: Math.min(...values), greatest: Math.max(...values) });
    },
  });
}

describe.skipIf(!hasOnnxRuntime())("random graphs in 8 bits, by onnxruntime", () => {
  it("compute what the interpreter computes", () => {
    const cases = fc.sample(randomGraph(), { numRuns: GRAPHS, seed: 17 }).flatMap((drawn, i) => {
      const graph = quantisedOf(drawn);
      if (!graph) return [];
      const { file, obstacles } = graphAsFile(drawn, graph, { name: `graph ${i}`, opset: 17 });
      return obstacles.length > 0 ? [] : [{ drawn, graph, file }];
    });
    const results = runOnnx(cases.map(({ file }) => file));
    const [apart, lost]: [number[], number[]] = [[], []];
    for (const { drawn, graph, file } of cases) {
      const { error, outputs } = results.get(file.name)!;
      expect(error).toBeUndefined();
      const [rounded, float] = [graph, drawn.graph].map((one) => interpret(one, drawn.bindings));
      for (const [place, { node }] of graph.roots.entries()) {
        apart.push(relativeError(outputs.get(`root${place}`)!.data, rounded(node)));
        lost.push(relativeError(rounded(node), float(drawn.graph.roots[place].node)));
      }
    }
    expect(cases.length).toBeGreaterThan(GRAPHS / 5);
    // Where a value lies just between two levels, a sum in another order is the other level.
    expect(apart.filter((far) => !(far < 1e-5)).length).toBeLessThanOrEqual(apart.length / 50);
    expect(Math.max(...apart)).toBeLessThan(2e-2);
    expect(lost.filter((far) => far > 1e-4).length).toBeGreaterThan(lost.length / 10);
    console.log(
      `${cases.length} of ${GRAPHS} graphs have products; lost by rounding up to ${Math.max(...lost)}, apart ${Math.max(...apart)}`,
    );
  }, 300_000);
});
