import { describe, expect, it } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import type { Graph } from "../../../codegen/ir/graph.js";
import { relativeError } from "../../support/case.js";
import { interpret } from "../../support/interpret.js";
import { hasOnnxRuntime, runOnnx } from "../../support/onnx.js";
import { graphAsFile } from "../../support/onnx-graph.js";

describe.skipIf(!hasOnnxRuntime())("windows, by onnxruntime", () => {
  it.each([
    ["fewer than would fit", { size: 2, stride: 2, pad: 1, windows: 2 }],
    ["a single one", { size: 3, stride: 1, pad: 0, windows: 1 }],
    ["with a gap behind", { size: 2, stride: 4, pad: 0, windows: 2 }],
    ["beyond the end", { size: 5, stride: 3, pad: 2, windows: 4 }],
  ])("%s", (name, own) => {
    const b = createBuilder();
    const extent = 9;
    const x = b.input("x", [2, 3, extent, extent]);
    const window = [2, 3].map((axis) => ({ axis, ...own, extent }));
    const made = [b.windowMax(x, window), b.windowSum(x, window)];
    const graph: Graph = { roots: made.map((node) => ({ role: "value", blob: String(node.id), node })) };
    const values = Float64Array.from({ length: 2 * 3 * extent * extent }, (_, i) => Math.fround(Math.sin(i)));
    const bindings = {
      inputs: new Map([["x", values]]),
      params: new Map<number, Float64Array>(),
      step: 0,
      seed: 0,
    };
    const { file, obstacles } = graphAsFile({ builder: b, bindings }, graph, {
      name,
      opset: 17,
    });
    expect(obstacles).toEqual([]);
    const { error, outputs } = runOnnx([file]).get(name)!;
    expect(error).toBeUndefined();
    const expected = interpret(graph, bindings);
    for (const [place, node] of made.entries())
      expect(relativeError(outputs.get(`root${place}`)!.data, expected(node))).toBeLessThan(1e-6);
  });
});
