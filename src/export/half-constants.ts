import type {
  ConstantNumbers,
  Initializer,
  OnnxGraph,
  OnnxNode,
  Value,
} from "../../codegen/onnx/onnx-graph.js";
import { GREATEST_HALF, halfFloats } from "./half-floats.js";

export type ConstantValues = (initializer: Initializer) => ConstantNumbers | Uint16Array;

/** Elements below which a constant is no weight, or is not worth a node. */
const FEWEST = 64;

/**
 * A graph whose weights are numbers of 16 bits, made those of 32 when the file is read: half the size, the same operators. A
 * constant with a number too great for it stays as it is.
 */
export function withHalfConstants(
  graph: OnnxGraph,
  dataOf: (initializer: Initializer) => ConstantNumbers,
): { readonly graph: OnnxGraph; readonly dataOf: ConstantValues } {
  const halves = new Map<Initializer, Uint16Array>();
  const casts: OnnxNode[] = [];
  const given = new Set(graph.inputs.map(({ value }) => value));
  const initializers = graph.initializers.map((initializer): Initializer => {
    const data = dataOf(initializer);
    const { value } = initializer;
    const stays =
      !(data instanceof Float32Array) ||
      data.length < FEWEST ||
      given.has(value) ||
      data.some((x) => Math.abs(x) > GREATEST_HALF);
    if (stays) return initializer;
    const small: Value = {
      ...{ type: "float16", shape: value.shape, layer: value.layer },
      wanted: value.wanted === undefined ? undefined : `${value.wanted}:float16`,
    };
    const half: Initializer = { value: small, data: initializer.data };
    halves.set(half, halfFloats(data));
    casts.push({
      op: "Cast",
      inputs: [small],
      outputs: [value],
      attributes: { to: { type: value.type } },
      layer: value.layer,
    });
    return half;
  });
  return {
    graph: { ...graph, initializers, nodes: [...casts, ...graph.nodes] },
    dataOf: (initializer) => halves.get(initializer) ?? dataOf(initializer),
  };
}
