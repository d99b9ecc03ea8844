import { type ConvGeometry, type Node, type NodeOf, type Shape, sizeOf } from "../ir/graph.js";
import type { GraphWriter } from "./graph-writer.js";
import type { OnnxAttribute, Value } from "./onnx-graph.js";
import { beginningOf, reshaped } from "./view-nodes.js";

/** How a node is written: from the values of which nodes (of the graph, or made for it), and what is added for it. */
export interface Reading {
  readonly reads: readonly Node[];
  readonly write: (values: readonly Value[]) => Value;
}

const convAttributes = ({ groups, spatial }: ConvGeometry): Readonly<Record<string, OnnxAttribute>> => ({
  kernel_shape: spatial.map(({ kernel }) => kernel),
  strides: spatial.map(({ stride }) => stride),
  pads: [...spatial, ...spatial].map(({ pad }) => pad),
  dilations: spatial.map(({ dilation }) => dilation),
  group: groups,
});

/** @param bias one number for each output */
export const readConv = (writer: GraphWriter, node: NodeOf<"conv">, bias?: Node): Reading => ({
  reads: [...node.inputs, ...(bias ? [bias] : [])],
  write: (values) => writer.add("Conv", values, node.shape, convAttributes(node.geometry)),
});

/** What a window's stride leaves at the end of the plain side belongs to it. */
const leftOver = ({ spatial }: ConvGeometry): readonly number[] =>
  spatial.map(
    ({ kernel, stride, pad, dilation, input, output }) =>
      input - ((output - 1) * stride - 2 * pad + dilation * (kernel - 1) + 1),
  );

/** @param bias one number for each channel */
export const readConvData = (writer: GraphWriter, node: NodeOf<"convData">, bias?: Node): Reading => {
  const left = leftOver(node.geometry);
  const attributes = {
    ...convAttributes(node.geometry),
    ...(left.some((count) => count > 0) && { output_padding: left }),
  };
  return {
    reads: [...node.inputs, ...(bias ? [bias] : [])],
    write: (values) => writer.add("ConvTranspose", values, node.shape, attributes),
  };
};

/**
 * The gradient of filters: a convolution of the input's channels, as images, with the gradient's, as filters; what were
 * strides are distances between their elements.
 */
export function readConvFilter(writer: GraphWriter, node: NodeOf<"convFilter">): Reading {
  const { builder: b } = writer;
  const [x, y] = node.inputs;
  const { groups, spatial } = node.geometry;
  const [images, channels] = x.shape;
  const [plain, windows] = [x.shape.slice(2), y.shape.slice(2)];
  const rest = plain.map((_, i) => i + 3);
  const own = channels / groups;
  const apart = b.transpose(b.reshape(x, [images, groups, own, ...plain]), [2, 1, 0, ...rest]);
  const asImages = b.reshape(apart, [own, groups * images, ...plain]);
  const asFilters = b.transpose(y, [1, 0, ...windows.map((_, i) => i + 2)]);
  const whole: Shape = [own, y.shape[1], ...spatial.map((axis) => fullExtent(axis))];
  const attributes = {
    kernel_shape: windows,
    strides: spatial.map(({ dilation }) => dilation),
    dilations: spatial.map(({ stride }) => stride),
    pads: [...spatial, ...spatial].map(({ pad }) => pad),
    group: groups,
  };
  return {
    reads: [asImages, asFilters],
    write(values) {
      const product = writer.add("Conv", values, whole, attributes);
      const turned = [1, 0, ...spatial.map((_, i) => i + 2)];
      const filters = writer.add(
        "Transpose",
        [product],
        turned.map((axis) => whole[axis]),
        { perm: turned },
      );
      return beginningOf(writer, filters, node.shape);
    },
  };
}

/** Places at which the windows fit, of which a kernel's elements are the first. */
const fullExtent = ({ stride, pad, dilation, input, output }: ConvGeometry["spatial"][number]): number =>
  Math.floor((input + 2 * pad - ((output - 1) * stride + 1)) / dilation) + 1;

/** Batched products as they are. */
export function readMatmul(writer: GraphWriter, node: NodeOf<"matmul">): Reading {
  const { builder: b } = writer;
  const [x, y] = node.inputs;
  const turned = (of: Node, isTurned: boolean): Node => (isTurned ? b.transpose(of, [0, 2, 1]) : of);
  return {
    reads: [turned(x, node.transA), turned(y, node.transB)],
    write: (values) => writer.add("MatMul", values, node.shape),
  };
}

/** A product of two matrices, and what is added to each of its rows. @param shape of what is made */
export function readGemm(writer: GraphWriter, node: NodeOf<"matmul">, shape: Shape, bias?: Node): Reading {
  const { builder: b } = writer;
  const { transA, transB } = node;
  const flat = (of: Node): Node => b.reshape(of, of.shape.slice(1));
  const plain = node.shape.slice(1);
  return {
    reads: [...node.inputs.map(flat), ...(bias ? [b.reshape(bias, [sizeOf(bias.shape)])] : [])],
    write(values) {
      const product = writer.add("Gemm", values, plain, {
        ...(transA && { transA: 1 }),
        ...(transB && { transB: 1 }),
      });
      return reshaped(writer, product, shape);
    },
  };
}
