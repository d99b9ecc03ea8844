import { type Node, type Shape, sameShape } from "../../codegen/ir/graph.js";
import { showShape } from "../../proto/words/amounts.js";
import type { Draw, Settings } from "./domain.js";
import { type FailDetail, gives, type LayerContext } from "./record.js";
import { canonicalAxis, convOutput, countBetween, kernelReach } from "./shapes.js";

/** What Convolution and Deconvolution read from their settings and first bottom. */
export interface ConvolutionSettings {
  readonly axis: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  /** One entry for each spatial axis. */
  readonly spatial: readonly SpatialAxis[];
}

/** How a kernel moves along one spatial axis of the bottom. */
export interface SpatialAxis {
  readonly extent: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly dilation: number;
}

type Context = LayerContext<"convolution_param">;
type Repeated = "kernel_size" | "stride" | "pad" | "dilation";

/** How the two image axes can be given apart. */
const SIDES = {
  kernel_size: ["kernel_h", "kernel_w"],
  stride: ["stride_h", "stride_w"],
  pad: ["pad_h", "pad_w"],
} as const;

/** Caffe's BaseConvolutionLayer::LayerSetUp: axes, channels, groups, and the four numbers of each spatial axis. */
export function convolutionSettings(context: Context): ConvolutionSettings {
  const { bottoms, parameter, fail } = context;
  const { shape } = bottoms[0];
  for (const [i, x] of bottoms.entries()) {
    if (sameShape(x.shape, shape)) continue;
    const shapes = `${showShape(shape)} and ${showShape(x.shape)}`;
    fail(`bottoms must have one shape, and theirs are ${shapes}`, undefined, { bottoms: [0, i] });
  }
  const axis = canonicalAxis(context, parameter.axis, shape, "axis");
  const extents = shape.slice(axis + 1);
  const channels = shape[axis];
  const { num_output: outputs, group: groups } = parameter;
  if (outputs < 1) fail("num_output must be given, and positive", "num_output");
  if (groups < 1) fail(`group must be positive, not ${groups}`, "group");
  if (channels % groups !== 0)
    fail(`${channels} channels cannot be divided into ${groups} groups`, "group", { bottoms: [0] });
  if (outputs % groups !== 0) fail(`num_output ${outputs} cannot be divided into ${groups} groups`, "group");
  return { axis, channels, outputs, groups, spatial: spatialAxes(context, extents) };
}

/** The four numbers of each spatial axis, whose extents in the bottom are given. */
export function spatialAxes(context: Context, extents: Shape): readonly SpatialAxis[] {
  const kernel = perAxis(context, extents.length, "kernel_size", 1);
  const stride = perAxis(context, extents.length, "stride", 1);
  const pad = perAxis(context, extents.length, "pad", 0);
  const dilation = perAxis(context, extents.length, "dilation", 0, 1);
  return extents.map((extent, i) => ({
    extent,
    kernel: kernel[i],
    stride: stride[i],
    pad: pad[i],
    dilation: dilation[i],
  }));
}

/** Refuses kernels that have no position. */
export function checkKernels(context: Context, spatial: readonly SpatialAxis[]): void {
  for (const [i, { extent, kernel, stride, pad, dilation }] of spatial.entries())
    if (convOutput(extent, kernel, stride, pad, dilation) < 1)
      context.fail(
        `the kernel covers ${kernelReach(kernel, dilation)} positions, and the input has ${extent + 2 * pad}${pad > 0 ? ` with ${pad} of padding at each end` : ""}`,
        ...fieldOf(context, "kernel_size", i),
      );
}

/**
 * The weights, of which the taps along axes with dilation 0 all read the same position and are added up, and the
 * spatial axes as they are then.
 */
export function withoutZeroDilation(
  { builder }: Context,
  w: Node,
  spatial: readonly SpatialAxis[],
): { readonly w: Node; readonly spatial: readonly SpatialAxis[] } {
  const axes = spatial.flatMap(({ dilation }, i) => (dilation === 0 ? [2 + i] : []));
  if (axes.length === 0) return { w, spatial };
  return {
    w: builder.reduce("sum", w, axes),
    spatial: spatial.map((along) => (along.dilation === 0 ? { ...along, kernel: 1, dilation: 1 } : along)),
  };
}

/** A setting that is given once for all spatial axes or once for each; or, in two dimensions, as _h and _w. */
function perAxis(
  context: Context,
  rank: number,
  name: Repeated,
  least: 0 | 1,
  otherwise: number = least,
): readonly number[] {
  const { parameter, fail } = context;
  const values = parameter[name];
  if (name !== "dilation" && SIDES[name].some((side) => gives(parameter, side)))
    return perSide(context, rank, name, least);
  if (values.length === 0) {
    if (name === "kernel_size" && rank > 0) fail("kernel_size must be given", name);
    return new Array<number>(rank).fill(otherwise);
  }
  if (values.length !== 1 && values.length !== rank)
    fail(
      `${name} is given ${values.length} times for ${rank} spatial axes: give it once, or once for each`,
      name,
      { bottoms: [0] },
    );
  for (const [index, value] of values.entries())
    if (value < least) fail(`${name} must be at least ${least}, not ${value}`, name, { index });
  return Array.from({ length: rank }, (_, i) => values[values.length === 1 ? 0 : i]);
}

/** A setting that is given as _h and _w. */
function perSide(
  { parameter, fail }: Context,
  rank: number,
  name: keyof typeof SIDES,
  least: 0 | 1,
): readonly number[] {
  const [h, w] = SIDES[name];
  const field = gives(parameter, h) ? h : w;
  if (parameter[name].length > 0) fail(`give either ${name} or ${h} and ${w}, not both`, field);
  if (rank !== 2)
    fail(`${h} and ${w} need 2 spatial axes, and there are ${rank}: use ${name}`, field, { bottoms: [0] });
  if (least > 0 && !(gives(parameter, h) && gives(parameter, w))) fail(`${h} and ${w} go together`, field);
  for (const side of [h, w])
    if (parameter[side] < least) fail(`${side} must be at least ${least}, not ${parameter[side]}`, side);
  return [parameter[h], parameter[w]];
}

/** The field that says the kernel, the stride or the padding along a spatial axis, for messages. */
export function fieldOf(
  { parameter }: Context,
  name: keyof typeof SIDES,
  axis: number,
): readonly [string, FailDetail] {
  const values = parameter[name];
  if (values.length === 0) return [SIDES[name][axis] ?? name, { bottoms: [0] }];
  return [name, { index: values.length === 1 ? 0 : axis, bottoms: [0] }];
}

/** A bottom as builder.conv wants it: [batch, channels, …spatial]. */
export function asImages({ builder }: Context, x: Node, axis: number): Node {
  return builder.reshape(x, [countBetween(x.shape, 0, axis), ...x.shape.slice(axis)]);
}

/** Settings for tests that fit a bottom's shape; `up`: any kernel fits. */
export function drawConvolution(draw: Draw, shape: Shape, up: boolean): Settings {
  const least = Math.min(...shape.slice(2));
  const kernel = draw.integer(1, up ? 3 : Math.min(3, least));
  const dilation = kernel > 1 && (kernel - 1) * 2 + 1 <= least ? draw.integer(1, 2) : 1;
  const group = draw.of([1, shape[1]]);
  return {
    convolution_param: {
      num_output: group * draw.integer(1, 3),
      kernel_size: [kernel],
      stride: [draw.integer(1, 3)],
      pad: [draw.integer(0, up ? 0 : kernel - 1)],
      dilation: [dilation],
      group,
      bias_term: draw.boolean(),
    },
  };
}

/** A bottom of 3 to 5 axes for tests. */
export function drawImages(draw: Draw, first?: Shape): readonly Shape[] | undefined {
  if (first) return first.length >= 3 && first.length <= 5 ? [first] : undefined;
  return [Array.from({ length: draw.integer(3, 4) }, (_, i) => draw.integer(1, i < 2 ? 3 : 6))];
}
