import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Initializer } from "../../../codegen/onnx/onnx-graph.js";
import { renderOnnx } from "../../../codegen/onnx/render-onnx.js";
import { encodeModel } from "../../../src/export/onnx-message.js";
import { passedGraph } from "../../../src/net/programs.js";
import { relativeError } from "../../support/case.js";
import { interpret } from "../../support/interpret.js";
import { hasOnnxRuntime, type OnnxCase, runOnnx } from "../../support/onnx.js";
import { type RandomGraph, randomGraph } from "../../support/random-graph.js";

const GRAPHS = 200;
const BOUND = 1e-4;
const OPSETS = [17, 21];

/** A drawn graph as a file; undefined where it draws random numbers. */
function fileOf(
  { graph, builder, bindings }: RandomGraph,
  name: string,
  opset: number,
): OnnxCase | undefined {
  const outputs = new Map(graph.roots.map((_, place) => [place, `root${place}`]));
  const { graph: made, obstacles } = renderOnnx(passedGraph(graph, builder), builder, {
    ...{ opset, outputs, names: new Map() },
    inputName: (input) => input,
    paramName: (index) => `param/${index}`,
  });
  if (obstacles.length > 0) {
    expect(obstacles.filter(({ reason }) => reason !== "it draws random numbers")).toEqual([]);
    return undefined;
  }
  const dataOf = ({ data }: Initializer) =>
    "node" in data ? Float32Array.from(interpret([data.node], bindings)(data.node)) : data;
  const { bytes } = encodeModel(made, {
    ...{ name, version: "", opset, dataOf, metadata: {} },
    typeOf: () => undefined,
    extentsOf: ({ shape }) => shape,
  });
  const inputs = Object.fromEntries(
    made.inputs.map(({ name: input, value: { shape } }) => [
      input,
      { shape, data: Float32Array.from(bindings.inputs.get(input) ?? []) },
    ]),
  );
  return { name, bytes, inputs };
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
