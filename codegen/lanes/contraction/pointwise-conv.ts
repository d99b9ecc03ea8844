import type { ConvSizes } from "../../contraction/conv-sizes.js";
import type { Node } from "../../ir/graph.js";
import type { PaddedPlanes } from "./pad.js";
import type { Pointwise } from "./pointwise.js";

/** Fewer pixels, channels or results leave too much of a tile idle, or share what is laid out with too few. */
const FEWEST = { pixels: 16, channels: 8, results: 8 };

const isPointwise = ({ taps, images, pixels, channels, filters }: ConvSizes, results: number): boolean =>
  taps === 1 &&
  images * pixels >= FEWEST.pixels &&
  channels + filters - results >= FEWEST.channels &&
  results >= FEWEST.results;

/** A convolution of 1 × 1 as a product; undefined where another form is faster. */
export function pointwiseConv(
  x: Node,
  w: Node,
  sizes: ConvSizes,
  copy: PaddedPlanes | undefined,
): Pointwise | undefined {
  const { images, groups, channels, filters, output, padded, stride } = sizes;
  if (!isPointwise(sizes, filters)) return undefined;
  return {
    images,
    groups,
    channels,
    results: filters,
    pixels: output,
    source: { node: x, extents: padded, step: stride, ...(copy && { copy }) },
    extents: output,
    step: output.map(() => 1),
    weights: {
      node: w,
      members: { count: groups, stride: filters * channels },
      rows: { count: filters, stride: channels },
      depth: { count: channels, stride: 1 },
    },
  };
}

/** Whether the gradient of filters is faster as a product. */
export const isPointwiseFilter = (sizes: ConvSizes): boolean => isPointwise(sizes, sizes.channels);

/** Its adjoint in x, where every pixel of y has its place in x. */
export function pointwiseConvData(y: Node, w: Node, sizes: ConvSizes): Pointwise | undefined {
  const { images, groups, channels, filters, input, output, pad, stride } = sizes;
  if (!isPointwise(sizes, channels) || pad.some((before) => before > 0)) return undefined;
  if (output.some((extent, axis) => extent !== Math.ceil(input[axis] / stride[axis]))) return undefined;
  return {
    images,
    groups,
    channels: filters,
    results: channels,
    pixels: output,
    source: { node: y, extents: output, step: output.map(() => 1) },
    extents: input,
    step: stride,
    weights: {
      node: w,
      members: { count: groups, stride: filters * channels },
      rows: { count: channels, stride: 1 },
      depth: { count: filters, stride: channels },
    },
  };
}
