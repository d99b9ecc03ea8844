import { type Shape, sameShape } from "../ir/graph.js";
import type { GraphWriter } from "./graph-writer.js";
import type { Value } from "./onnx-graph.js";

/** The same elements in another shape. */
export const reshaped = (writer: GraphWriter, value: Value, shape: Shape): Value =>
  sameShape(value.shape, shape)
    ? value
    : writer.add("Reshape", [value, writer.integers(shape)], shape, {}, value.type);

/** A part of a value: of each axis so many elements (its shape) from a start on. */
export function sliced(writer: GraphWriter, value: Value, starts: readonly number[], shape: Shape): Value {
  const axes = shape.flatMap((extent, axis) => (extent === value.shape[axis] ? [] : [axis]));
  if (axes.length === 0) return value;
  const lists = [axes.map((axis) => starts[axis]), axes.map((axis) => starts[axis] + shape[axis]), axes];
  return writer.add("Slice", [value, ...lists.map((list) => writer.integers(list))], shape, {}, value.type);
}

/** The first elements along each axis. */
export const beginningOf = (writer: GraphWriter, value: Value, shape: Shape): Value =>
  sliced(
    writer,
    value,
    shape.map(() => 0),
    shape,
  );

/** A value with zeros around it. */
export function padded(
  writer: GraphWriter,
  value: Value,
  before: readonly number[],
  after: readonly number[],
): Value {
  if ([...before, ...after].every((count) => count === 0)) return value;
  const shape = value.shape.map((extent, axis) => extent + before[axis] + after[axis]);
  return writer.add("Pad", [value, writer.integers([...before, ...after])], shape, {}, value.type);
}
