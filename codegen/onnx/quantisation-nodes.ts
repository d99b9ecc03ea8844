import { type Shape, sizeOf } from "../ir/graph.js";
import type { GraphWriter } from "./graph-writer.js";
import type { Value } from "./onnx-graph.js";
import type { Reading } from "./product-nodes.js";
import { GREATEST_WEIGHT, type Quantisation } from "./quantisation.js";

/**
 * A value that is rounded when the file runs: to whole numbers and back, as two operators that runtimes join to those before
 * and behind.
 */
export function readRounded(
  writer: GraphWriter,
  { x, scale, least }: Quantisation,
  shape: Shape,
): Reading | undefined {
  if (typeof scale !== "number") return undefined;
  return {
    reads: [x],
    write([value]) {
      // Without a sign: the kernels of x86 multiply such numbers by weights with one.
      const numbers = [writer.scalar(scale), writer.level(-least, "uint8", [])];
      const levels = writer.add("QuantizeLinear", [value, ...numbers], shape, {}, "uint8");
      return writer.add("DequantizeLinear", [levels, ...numbers], shape);
    },
  };
}

/** Weights or a bias as constants of whole numbers, and the operator that makes them what they stand for. */
export function writeLevels(
  writer: GraphWriter,
  { scale, greatest, levels }: Quantisation,
  shape: Shape,
  wanted: string | undefined,
): Value {
  const type = greatest === GREATEST_WEIGHT ? "int8" : "int32";
  const own = writer.computed(levels(writer.builder), wanted, type);
  if (typeof scale === "number")
    return writer.add("DequantizeLinear", [own, writer.scalar(scale), writer.level(0, type, [])], shape);
  const count = sizeOf(scale.node.shape);
  const scales = writer.computed(
    writer.builder.reshape(scale.node, [count]),
    wanted === undefined ? undefined : `${wanted}:scale`,
  );
  const zeros = writer.level(0, type, [count]);
  return writer.add("DequantizeLinear", [own, scales, zeros], shape, { axis: scale.axis });
}
