import { type Node, type NodeOf, sizeOf } from "../ir/graph.js";
import { type ConvSizes, convSizes } from "./conv-sizes.js";
import { type StridedContraction, type StridedOperand, stridesOf } from "./strided.js";

/** Batched matrix product. Where all of a batch share b, its rows are one long matrix. */
export function stridedMatmul(anchor: NodeOf<"matmul">): StridedContraction {
  const { transA, transB } = anchor;
  const [a, b] = [anchor.inputs[0], anchor.inputs[1]];
  const [members, height, columns] = anchor.shape;
  const depth = transA ? a.shape[1] : a.shape[2];
  const memberA = a.shape[0] === 1 ? 0 : height * depth;
  const [rowA, depthA] = transA ? [1, height] : [depth, 1];
  const joined = b.shape[0] === 1 && memberA === height * rowA;
  const [batch, rows] = joined ? [1, members * height] : [members, height];
  return {
    a: { node: a },
    b: { node: b },
    batch: {
      shape: [batch],
      strides: { a: [memberA], b: [b.shape[0] === 1 ? 0 : columns * depth], result: [height * columns] },
    },
    rows: { shape: [rows], strides: { a: [rowA], result: [columns] } },
    columns: { shape: [columns], strides: { b: [transB ? depth : 1], result: [1] } },
    turns: NONE,
    depth: { shape: [depth], strides: { a: [depthA], b: [transB ? 1 : columns] } },
    flops: 2 * members * height * columns * depth,
  };
}

/*
 * y[n, o, p] = Σ over (c, tap) of w[o, c, tap] · x[n, c, p·stride + tap·dilation − pad], and the sums of the same
 * products that are its adjoints: they differ in which of the three is the result, and so in what axes are summed over.
 */

/** Tiles of filters × pixels. */
export function stridedConv(anchor: NodeOf<"conv">): StridedContraction {
  const [x, w] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, x.shape, w.shape);
  const views = convViews(sizes);
  const input = paddedInput(x, sizes);
  return {
    a: { node: w },
    b: input.operand,
    batch: {
      shape: [sizes.images, sizes.groups],
      strides: {
        a: [0, views.w.group],
        b: [input.image, input.group],
        result: [views.y.image, views.y.group],
      },
    },
    rows: { shape: [sizes.filters], strides: { a: [views.w.filter], result: [sizes.pixels] } },
    columns: { shape: sizes.output, strides: { b: views.x.pixel, result: views.y.pixel } },
    turns: NONE,
    depth: { shape: [sizes.channels, ...sizes.kernel], strides: { a: views.w.tap, b: views.x.tap } },
    flops: flopsOf(sizes),
  };
}

/** Tiles of (channel, tap) × pixels, each element added to the pixel of padded x that the tap reaches. */
export function stridedConvData(anchor: NodeOf<"convData">): StridedContraction {
  const [y, w] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, anchor.shape, w.shape);
  const views = convViews(sizes);
  const { channels, input, padded, pad, plane } = sizes;
  const strides = stridesOf(padded);
  const own = channels * sizeOf(input);
  return {
    a: { node: w },
    b: { node: y },
    batch: {
      shape: [sizes.images, sizes.groups],
      strides: {
        a: [0, views.w.group],
        b: [views.y.image, views.y.group],
        result: [sizes.groups * own, own],
      },
    },
    rows: { shape: [channels, ...sizes.kernel], strides: { a: views.w.tap, result: views.x.tap } },
    columns: { shape: sizes.output, strides: { b: views.y.pixel, result: views.x.pixel } },
    turns: NONE,
    depth: { shape: [sizes.filters], strides: { a: [views.w.filter], b: [sizes.pixels] } },
    kept: {
      elements: channels * plane,
      stored: {
        shape: [channels, ...input],
        strides: { kept: [plane, ...strides], result: [sizeOf(input), ...stridesOf(input)] },
      },
      start: pad.reduce((sum, before, axis) => sum + before * strides[axis], 0),
    },
    flops: flopsOf(sizes),
  };
}

/** Tiles of filters × (channel, tap), image after image: all that a tile reads of one lies near. */
export function stridedConvFilter(anchor: NodeOf<"convFilter">): StridedContraction {
  const [x, y] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, x.shape, anchor.shape);
  const views = convViews(sizes);
  const { filters, channels, taps } = sizes;
  const input = paddedInput(x, sizes);
  const rowStride = views.w.filter;
  return {
    a: { node: y },
    b: input.operand,
    batch: {
      shape: [sizes.groups],
      strides: { a: [views.y.group], b: [input.group], result: [views.w.group] },
    },
    rows: { shape: [filters], strides: { a: [sizes.pixels], result: [rowStride] } },
    columns: { shape: [channels, ...sizes.kernel], strides: { b: views.x.tap, result: views.w.tap } },
    turns: { shape: [sizes.images], strides: { a: [views.y.image], b: [input.image] } },
    depth: { shape: sizes.output, strides: { a: views.y.pixel, b: views.x.pixel } },
    kept: {
      elements: filters * rowStride,
      stored: {
        shape: [filters, channels * taps],
        strides: { kept: [rowStride, 1], result: [rowStride, 1] },
      },
      start: 0,
    },
    flops: flopsOf(sizes),
  };
}

const NONE = { shape: [], strides: { a: [], b: [] } } as const;

const flopsOf = ({ images, groups, filters, pixels, channels, taps }: ConvSizes): number =>
  2 * images * groups * filters * pixels * channels * taps;

/** What w, y and padded x move by along the axes of a convolution; `tap`: along a group's channels and a kernel's axes. */
export function convViews({
  groups,
  channels,
  filters,
  taps,
  pixels,
  plane,
  kernel,
  output,
  padded,
  ...by
}: ConvSizes) {
  const strides = stridesOf(padded);
  return {
    w: { group: filters * channels * taps, filter: channels * taps, tap: [taps, ...stridesOf(kernel)] },
    y: { image: groups * filters * pixels, group: filters * pixels, pixel: stridesOf(output) },
    x: {
      tap: [plane, ...strides.map((stride, axis) => stride * by.dilation[axis])],
      pixel: strides.map((stride, axis) => stride * by.stride[axis]),
    },
  };
}

/** x, and what it moves by from image to image and from group to group. */
function paddedInput(x: Node, { groups, channels, input, padded, pad, unpadded }: ConvSizes) {
  const group = channels * sizeOf(input);
  const operand: StridedOperand = unpadded
    ? { node: x }
    : { node: x, copy: { kind: "padded", planes: channels, input, padded, before: pad } };
  return { operand, image: groups * group, group };
}
