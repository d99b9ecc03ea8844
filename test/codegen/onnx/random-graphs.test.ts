import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { passedGraph } from "../../../src/net/programs.js";
import { relativeError } from "../../support/case.js";
import { interpret } from "../../support/interpret.js";
import { hasOnnxRuntime, type OnnxCase, runOnnx } from "../../support/onnx.js";
import { graphAsFile } from "../../support/onnx-graph.js";
import { type RandomGraph, randomGraph } from "../../support/random-graph.js";

const GRAPHS = 200;
const BOUND = 1e-4;
const OPSETS = [17, 21];

/** A drawn graph as a file; undefined where it draws random numbers. */
function fileOf(drawn: RandomGraph, name: string, opset: number): OnnxCase | undefined {
  const { graph, builder } = drawn;
  const { file, obstacles } = graphAsFile(drawn, passedGraph(graph, builder), { name, opset });
  expect(obstacles.filter(({ reason }) => reason !== "it draws random numbers")).toEqual([]);
  return obstacles.length > 0 ? undefined : file;
}

describe.skipIf(!hasOnnxRuntime())("random graphs, forward and backward, by onnxruntime", () => {
  it.each(OPSETS)(
    "compute what the interpreter computes, opset %i",
    (opset) => {
      const drawn = fc.sample(randomGraph({ backward: true }), { numRuns: GRAPHS, seed: 13 });
      const cases = drawn.flatMap((graph, i) => {
        const file = fileOf(graph, `graph ${i}`, opset);
        return file ? [{ graph, file }] : [];
      });
      const results = runOnnx(cases.map(({ file }) => file));
      const wrong: string[] = [];
      for (const { graph, file } of cases) {
        const { error, outputs } = results.get(file.name)!;
        if (error) {
          wrong.push(`${file.name}: ${error}\n${fc.stringify(graph)}`);
          continue;
        }
        const expected = interpret(graph.graph, graph.bindings);
        for (const [place, { node }] of graph.graph.roots.entries()) {
          const made = outputs.get(`root${place}`);
          const far = made ? relativeError(made.data, expected(node)) : Number.NaN;
          if (!(far < BOUND))
            wrong.push(`${file.name}, root ${place} (%${node.id}): ${far}\n${fc.stringify(graph)}`);
        }
      }
      console.log(
        `opset ${opset}: ${cases.length} of ${drawn.length} graphs as files, ${wrong.length} wrong`,
      );
      expect(wrong.slice(0, 3)).toEqual([]);
      expect(cases.length).toBeGreaterThan(GRAPHS / 2);
    },
    300_000,
  );
});
