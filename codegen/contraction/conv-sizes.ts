import { type ConvGeometry, type Shape, sizeOf } from "../ir/graph.js";

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
