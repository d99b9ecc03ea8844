import type { ConvolutionParameter } from "../../proto/index.js";
import { type Node, type Shape, sameShape } from "../ir/graph.js";
import type { Draw, Settings } from "./domain.js";
import { gives, type LayerContext } from "./record.js";
import { canonicalAxis, countBetween, showShape } from "./shapes.js";

/** What Convolution and Deconvolution read from their settings and first bottom. */
export interface ConvolutionSettings {
  readonly axis: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  /** One entry for each spatial axis. */
  readonly spatial: readonly {
    readonly extent: number;
    readonly kernel: number;
    readonly stride: number;
    readonly pad: number;
    readonly dilation: number;
  }[];
}

type Context = LayerContext<"convolution_param">;
type Repeated = "kernel_size" | "stride" | "pad" | "dilation";
type Single = Exclude<keyof ConvolutionParameter & `${string}_${"h" | "w"}`, never>;

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

  const kernel = perAxis(context, extents.length, "kernel_size", "kernel_h", "kernel_w", 1);
  const stride = perAxis(context, extents.length, "stride", "stride_h", "stride_w", 1);
  const pad = perAxis(context, extents.length, "pad", "pad_h", "pad_w", 0);
  const dilation = perAxis(context, extents.length, "dilation", undefined, undefined, 1);
  const spatial = extents.map((extent, i) => ({
    extent,
    kernel: kernel[i],
    stride: stride[i],
    pad: pad[i],
    dilation: dilation[i],
  }));
  return { axis, channels, outputs, groups, spatial };
}

/** A setting that is given once for all spatial axes, or once for each, or, in two dimensions, as _h and _w. */
function perAxis(
  { parameter, bottoms, fail }: Context,
  rank: number,
  name: Repeated,
  nameH: Single | undefined,
  nameW: Single | undefined,
  least: number,
): readonly number[] {
  const values = parameter[name];
  const single = [nameH, nameW].filter((field) => field !== undefined && gives(parameter, field))[0];
  let found: readonly number[];
  if (single !== undefined && nameH !== undefined && nameW !== undefined) {
    if (values.length > 0) fail(`give either ${name} or ${nameH} and ${nameW}, not both`, single);
    if (rank !== 2)
      fail(`${nameH} and ${nameW} need 2 spatial axes, and there are ${rank}: use ${name}`, single, {
        bottoms: [0],
      });
    if (name === "kernel_size" && !(gives(parameter, nameH) && gives(parameter, nameW)))
      fail(`${nameH} and ${nameW} go together`, single);
    found = [parameter[nameH], parameter[nameW]];
    // An extent left out reads as the field's own default.
    found = found.map((value, i) =>
      gives(parameter, i === 0 ? nameH : nameW) ? value : Math.max(value, least),
    );
  } else if (values.length === 0) {
    if (name === "kernel_size" && rank > 0) fail("kernel_size must be given", "kernel_size");
    found = new Array<number>(rank).fill(name === "pad" ? 0 : 1);
  } else {
    if (values.length !== 1 && values.length !== rank)
      fail(
        `${name} is given ${values.length} times for ${rank} spatial axes: give it once, or once for each`,
        name,
        {
          bottoms: bottoms.length > 0 ? [0] : [],
        },
      );
    found = Array.from({ length: rank }, (_, i) => values[values.length === 1 ? 0 : i]);
  }
  for (const [i, value] of found.entries()) {
    if (value >= least) continue;
    const field = single === undefined ? name : i === 0 ? nameH : nameW;
    fail(`${field} must be at least ${least}, not ${value}`, field, { index: values.length > 1 ? i : 0 });
  }
  return found;
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
