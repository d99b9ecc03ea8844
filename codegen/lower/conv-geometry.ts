import { type ConvGeometry, type Shape, sizeOf } from "../ir/graph.js";
import { add, flatten, int, mul } from "../kernel/indices.js";
import type { Index, Memory } from "../kernel/kernel.js";
import type { KernelWriter } from "../kernel/writer.js";

/** Sizes that all three convolutions share: x [N, C, …input], w [O, C/groups, …kernel], y [N, O, …output]. */
export interface ConvSizes {
  readonly images: number;
  readonly groups: number;
  /** Channels of x, and of y, in one group. */
  readonly channels: number;
  readonly filters: number;
  readonly input: Shape;
  readonly kernel: Shape;
  readonly output: Shape;
  /** x's spatial extents with all that the kernel reaches: `pad` before, and what it needs after. */
  readonly padded: Shape;
  readonly pad: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Elements of one channel of the kernel, of y, of padded x. */
  readonly taps: number;
  readonly pixels: number;
  readonly plane: number;
  /** Whether x as it lies in memory is the padded x. */
  readonly unpadded: boolean;
}

export function convSizes(geometry: ConvGeometry, x: Shape, w: Shape): ConvSizes {
  const { groups } = geometry;
  // A 1×1 kernel that moves by one sees a plane as one long row.
  const pointwise = geometry.spatial.every(
    (s) => s.kernel === 1 && s.stride === 1 && s.pad === 0 && s.input === s.output,
  );
  const length = sizeOf(geometry.spatial.map((s) => s.input));
  const spatial = pointwise
    ? [{ kernel: 1, stride: 1, pad: 0, dilation: 1, input: length, output: length }]
    : geometry.spatial;
  const input = spatial.map((s) => s.input);
  const kernel = spatial.map((s) => s.kernel);
  const output = spatial.map((s) => s.output);
  const padded = spatial.map((s) =>
    Math.max(s.pad + s.input, (s.output - 1) * s.stride + (s.kernel - 1) * s.dilation + 1),
  );
  return {
    images: x[0],
    groups,
    channels: w[1],
    filters: w[0] / groups,
    input,
    kernel,
    output,
    padded,
    pad: spatial.map((s) => s.pad),
    stride: spatial.map((s) => s.stride),
    dilation: spatial.map((s) => s.dilation),
    taps: sizeOf(kernel),
    pixels: sizeOf(output),
    plane: sizeOf(padded),
    unpadded: padded.every((extent, axis) => extent === input[axis]),
  };
}

/** Loops over all coordinates of a shape, in order. */
export function overShape(
  writer: KernelWriter,
  shape: Shape,
  body: (coordinates: readonly Index[]) => void,
): void {
  const walk = (axis: number, outer: readonly Index[]): void => {
    if (axis === shape.length) body(outer);
    else writer.loop(0, shape[axis], (v) => walk(axis + 1, [...outer, v]));
  };
  walk(0, []);
}

/** Row-major strides. */
export function stridesOf(shape: Shape): readonly number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** Σ coordinate · factor. */
export const dot = (coordinates: readonly Index[], factors: readonly number[]): Index =>
  coordinates.reduce<Index>((sum, c, i) => add(sum, mul(c, factors[i])), int(0));

/** Where output pixel 0's tap lies, from the start of a padded channel. */
export function tapOffset(sizes: ConvSizes, tap: readonly Index[]): Index {
  const strides = stridesOf(sizes.padded);
  return dot(
    tap,
    strides.map((stride, axis) => stride * sizes.dilation[axis]),
  );
}

/** Where tap 0 of an output pixel lies, from the start of a padded channel. */
export function pixelOffset(sizes: ConvSizes, pixel: readonly Index[]): Index {
  const strides = stridesOf(sizes.padded);
  return dot(
    pixel,
    strides.map((stride, axis) => stride * sizes.stride[axis]),
  );
}

/**
 * A table of tap offsets for all (channel, tap), filled in the prologue: the sum over channels and taps becomes
 * one loop. With one tap per channel none is needed.
 */
export function tapTable(writer: KernelWriter, sizes: ConvSizes): (position: Index) => Index {
  const { channels, taps, kernel, plane } = sizes;
  if (taps === 1) return (position) => mul(position, plane);
  const table: Memory = writer.scratch("index", channels * taps);
  writer.prologue(() =>
    writer.loop(0, channels, (c) =>
      overShape(writer, kernel, (tap) =>
        writer.storeIndex(
          table,
          add(mul(c, taps), flatten(tap, kernel)),
          add(mul(c, plane), tapOffset(sizes, tap)),
        ),
      ),
    ),
  );
  return (position) => ({ kind: "iload", buffer: table, at: position });
}

/**
 * Into how many equal parts to cut `extent` so that there are at least `wanted` iterations with `others` already
 * there, each part no smaller than `least`.
 */
export function partsOf(extent: number, others: number, wanted: number, least: number): number {
  let best = 1;
  for (let parts = 1; parts * least <= extent; parts++) {
    if (extent % parts !== 0) continue;
    best = parts;
    if (parts * others >= wanted) break;
  }
  return best;
}
