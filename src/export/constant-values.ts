import { type Node, sizeOf } from "../../codegen/ir/graph.js";
import type { ConstantNumbers, ElementType, Initializer } from "../../codegen/onnx/onnx-graph.js";
import { parameterIn } from "../../codegen/onnx/render-onnx.js";
import { present } from "../../proto/errors/present.js";
import { type GraphSource, loadGraph } from "./run-graph.js";

/**
 * What the constants of a graph come to: parameters are read, and what is computed of them is computed where they lie.
 */
export async function constantValues(
  initializers: readonly Initializer[],
  source: GraphSource,
): Promise<(initializer: Initializer) => ConstantNumbers> {
  const nodes = initializers.flatMap(({ data }) => ("node" in data ? [data.node] : []));
  const values = new Map<Node, Float32Array>();
  const computed = [...new Set(nodes)].filter((node) => parameterIn(node) === undefined);
  for (const node of nodes) {
    const index = parameterIn(node)?.index;
    if (index === undefined) continue;
    // What a solver keeps beside the parameters begins with zeros.
    const memory = source.params.memories[index];
    values.set(node, memory ? Float32Array.from(await memory.read()) : new Float32Array(sizeOf(node.shape)));
  }
  if (computed.length > 0) {
    const loaded = await loadGraph(computed, source);
    try {
      await loaded.run();
      for (const node of computed) values.set(node, await loaded.read(node));
    } finally {
      await loaded.close();
    }
  }
  return ({ data, value }) => {
    if (!("node" in data)) return data;
    return typedConstants(present(values.get(data.node), "a constant's values"), value.type);
  };
}

/** What a computation came to, as a constant of a type. */
export function typedConstants(values: Float32Array, type: ElementType): ConstantNumbers {
  if (type === "int8") return Int8Array.from(values);
  return type === "int32" ? Int32Array.from(values) : values;
}
