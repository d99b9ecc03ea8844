import type { Graph } from "../../codegen/ir/graph.js";
import type { Initializer, Obstacle } from "../../codegen/onnx/onnx-graph.js";
import { renderOnnx } from "../../codegen/onnx/render-onnx.js";
import { typedConstants } from "../../src/export/constant-values.js";
import { encodeModel } from "../../src/export/onnx-message.js";
import { interpret } from "./interpret.js";
import type { OnnxCase } from "./onnx.js";
import type { RandomGraph } from "./random-graph.js";

/** A drawn graph, or what was made of it, as a file whose outputs are its roots, `root0` and on; or why it cannot be one. */
export function graphAsFile(
  { builder, bindings }: Pick<RandomGraph, "builder" | "bindings">,
  graph: Graph,
  { name, opset }: { readonly name: string; readonly opset: number },
): { readonly file: OnnxCase; readonly obstacles: readonly Obstacle[] } {
  const outputs = new Map(graph.roots.map((_, place) => [place, `root${place}`]));
  const { graph: made, obstacles } = renderOnnx(graph, builder, {
    ...{ opset, outputs, names: new Map() },
    inputName: (input) => input,
    paramName: (index) => `param/${index}`,
  });
  const dataOf = ({ data, value }: Initializer) =>
    "node" in data
      ? typedConstants(Float32Array.from(interpret([data.node], bindings)(data.node)), value.type)
      : data;
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
  return { file: { name, bytes, inputs }, obstacles };
}
