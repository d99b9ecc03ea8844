import type { ConvSizes } from "../../contraction/conv-sizes.js";
import type { Node } from "../../ir/graph.js";
import type { LoweredKernel, StepContext } from "../../lower/step.js";
import { widestVector } from "../lane-nest.js";
import { lowerPointwise } from "./lower-pointwise.js";
import { lowerPointwiseFilter } from "./lower-pointwise-filter.js";
import type { PaddedPlanes } from "./pad.js";
import type { Pointwise } from "./pointwise-product.js";

/** Fewer pixels, channels or results leave too much of a tile idle, or share what is laid out with too few. */
const FEWEST = { pixels: 16, channels: 8, results: 8 };

/**
 * Products from which on laying pixels out pays: with fewer, all that is read stays near in any order. Measured on one core
 * of a Zen 3: 1.05 to 1.6 times as fast as sums over taps from 51 million on, 0.6 to 1.1 times up to 18 million.
 */
const LEAST_PRODUCTS = 2 ** 25;

const isPointwise = ({ taps, images, pixels, channels, filters }: ConvSizes, results: number): boolean =>
  taps === 1 &&
  images * pixels >= FEWEST.pixels &&
  channels + filters - results >= FEWEST.channels &&
  results >= FEWEST.results;

/** Whether a product with all images' pixels is worth what it takes to lay them out. */
export const isLargeProduct = ({ images, groups, channels, filters, pixels, taps }: ConvSizes): boolean =>
  taps === 1 && images * groups * channels * filters * pixels >= LEAST_PRODUCTS;

/**
 * A convolution of 1 × 1, or one of its gradients, as a product with the pixels of all images; undefined where it has no
 * such form.
 *
 * @param copy x with its padding, where it has some
 */
export function lowerPointwiseConv(
  context: StepContext,
  sizes: ConvSizes,
  copy: PaddedPlanes | undefined,
): readonly LoweredKernel[] | undefined {
  const { anchor, target } = context;
  if (!target.lanes) return undefined;
  const [a, b] = anchor.inputs;
  const padded = sizes.unpadded ? undefined : copy;
  const lanes = widestVector(context);
  if (anchor.op === "convFilter")
    return isPointwise(sizes, sizes.channels)
      ? lowerPointwiseFilter(context, target.lanes, sizes, padded, lanes)
      : undefined;
  const made = anchor.op === "conv" ? pointwiseConv(a, b, sizes, padded) : pointwiseConvData(a, b, sizes);
  return made && lowerPointwise(context, target.lanes, made, lanes);
}

function pointwiseConv(
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

/** The adjoint in x, where every pixel of y has its place in x. */
function pointwiseConvData(y: Node, w: Node, sizes: ConvSizes): Pointwise | undefined {
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
