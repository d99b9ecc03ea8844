import type { Node } from "../../../codegen/ir/graph.js";
import { LOWEST } from "../../../codegen/ir/real.js";
import { arg, constant, coord, type Scalar, select } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { defineLayer, gives, type LayerContext, parameterOf } from "../record.js";
import { type PoolAxis, poolAxis } from "../shapes.js";
import { stochasticPool } from "../stochastic-pool.js";
import { windowMean } from "../window-mean.js";

const PAD_FIELDS = ["pad_h", "pad_w"] as const;

export const pooling = defineLayer({
  type: "Pooling",
  parameter: "pooling_param",
  summary:
    "The greatest value of each window of the two image axes, its mean, or one of its values drawn at random.",
  equation:
    "MAX: y = max over the window; AVE: y = Σ over the window / its size; STOCHASTIC: TRAIN y = xᵢ with probability xᵢ / Σx, TEST y = Σx² / Σx",
  notes: [
    "Extents are rounded up (round_mode CEIL): ⌈(in + 2·pad − kernel) / stride⌉ + 1. With padding, a last window that would start in the end padding is left out.",
    "AVE divides by the window's size with the padding it covers, cut at the end of the padding.",
    "STOCHASTIC takes values that are not negative, and no padding; in TRAIN the value drawn gets the gradient.",
    "On a tie the first maximum gets the gradient. A second top of MAX is the maximum's position in its plane.",
    "The maximum is at least -FLT_MAX, as in Caffe: a window of NaN gives that, and -1 in the mask.",
  ],
  bottoms: { exact: 1 },
  tops: { min: 1, max: 2 },
  lower(context) {
    const { builder, parameter, topCount, fail } = context;
    const [x] = context.bottoms;
    if (x.shape.length !== 4)
      fail(
        `the bottom must have 4 axes (images, channels, height, width), not the shape ${showShape(x.shape)}`,
        undefined,
        {
          bottoms: [0],
        },
      );
    if (parameter.pool !== "MAX" && topCount > 1) fail("only MAX pooling has a second top, the mask");
    const window = windowsOf(context);
    const inside = window.map((axis) => ({ ...axis, windows: axis.touching }));
    if (parameter.pool === "STOCHASTIC") {
      const padded = window.findIndex(({ pad }) => pad > 0);
      if (padded !== -1)
        fail("STOCHASTIC pooling takes no padding", gives(parameter, "pad") ? "pad" : PAD_FIELDS[padded]);
      return [beyond(context, stochasticPool(context, x, inside), window, 0)];
    }
    if (parameter.pool === "AVE")
      return [beyond(context, builder.map(windowMean(window), [builder.windowSum(x, inside)]), window, 0)];
    const greatest = builder.windowMax(x, inside);
    const y = beyond(context, greatest, window, LOWEST);
    if (topCount < 2) return [y];
    const position = select("gt", arg(1), constant(LOWEST), arg(0), constant(-1));
    const mask = builder.map(position, [builder.windowArgmax(x, inside), builder.stop(greatest)]);
    return [y, beyond(context, mask, window, -1)];
  },
  domain: {
    shapes: (draw, first) => {
      if (first) return first.length === 4 ? [first] : undefined;
      return [[draw.integer(1, 2), draw.integer(1, 3), draw.integer(1, 7), draw.integer(1, 7)]];
    },
    settings: (draw, [shape]) => {
      const kernel = draw.integer(1, Math.min(3, ...shape.slice(2)));
      return {
        pooling_param: {
          pool: draw.of(["MAX", "AVE"]),
          kernel_size: kernel,
          stride: draw.integer(1, kernel),
          pad: draw.integer(0, kernel - 1),
          round_mode: draw.of(["CEIL", "FLOOR"]),
        },
      };
    },
    values: (layer) => [
      parameterOf(layer, "pooling_param").pool === "MAX"
        ? { kind: "distinct", gap: 0.05 }
        : { kind: "real", min: -2, max: 2 },
    ],
  },
});

type Context = LayerContext<"pooling_param">;

/** The windows along height and width, as PoolingLayer::LayerSetUp and Reshape decide them. */
function windowsOf({ parameter, bottoms: [x], fail }: Context): readonly PoolAxis[] {
  const given = (field: Parameters<typeof gives<typeof parameter>>[1]): boolean => gives(parameter, field);
  const side = given("kernel_size");
  const sides = given("kernel_h") || given("kernel_w");
  const global = parameter.global_pooling;
  if (global && (side || sides))
    fail("global_pooling takes the whole image: leave the kernel out", side ? "kernel_size" : "kernel_h");
  // One of the two beside kernel_size is not read.
  if (!global && side && given("kernel_h") && given("kernel_w"))
    fail("give either kernel_size or kernel_h and kernel_w, not both", "kernel_size");
  if (!global && !side && !(given("kernel_h") && given("kernel_w")))
    fail(sides ? "kernel_h and kernel_w go together" : "kernel_size must be given", "kernel_h");
  for (const name of ["stride", "pad"] as const) {
    const [h, w] = [given(`${name}_h`), given(`${name}_w`)];
    if ((h || w) && (given(name) || !(h && w)))
      fail(`give either ${name} or both ${name}_h and ${name}_w`, h ? `${name}_h` : `${name}_w`);
  }
  const square = (name: "stride" | "pad"): boolean => !given(`${name}_h`);
  const axes = (["h", "w"] as const).map((letter, i) => ({
    axis: i + 2,
    kernel: global ? x.shape[i + 2] : side ? parameter.kernel_size : parameter[`kernel_${letter}`],
    stride: square("stride") ? parameter.stride : parameter[`stride_${letter}`],
    pad: square("pad") ? parameter.pad : parameter[`pad_${letter}`],
  }));
  const padded = axes.some(({ pad }) => pad > 0);
  return axes.map(({ axis, kernel, stride, pad }) => {
    const letter = axis === 2 ? "h" : "w";
    const kernelField = side ? "kernel_size" : `kernel_${letter}`;
    if (kernel < 1) fail(`the kernel must be at least 1, not ${kernel}`, kernelField);
    if (stride < 1)
      fail(`the stride must be at least 1, not ${stride}`, square("stride") ? "stride" : `stride_${letter}`);
    if (global && (pad !== 0 || stride !== 1))
      fail("global_pooling goes with stride 1 and pad 0 only", "global_pooling");
    if (pad >= kernel && pad > 0)
      fail(
        `pad ${pad} must be smaller than the kernel, which is ${kernel}`,
        square("pad") ? "pad" : `pad_${letter}`,
      );
    const found = poolAxis(axis, x.shape[axis], kernel, stride, pad, parameter.round_mode, padded);
    if (found.windows < 1)
      fail(
        `a kernel of ${kernel} does not fit into ${x.shape[axis]} positions with pad ${pad}`,
        kernelField,
        {
          bottoms: [0],
        },
      );
    return found;
  });
}

/**
 * Windows that hold nothing but what lies behind the input (possible where the stride is greater than the kernel):
 * Caffe gives them the value it started from.
 */
function beyond({ builder }: Context, y: Node, window: readonly PoolAxis[], value: number): Node {
  const missing = window.filter(({ windows, touching }) => touching < windows);
  if (missing.length === 0) return y;
  const whole = missing.reduce(
    (node, { axis, windows, touching }) => builder.pad(node, axis, 0, windows - touching),
    y,
  );
  const filled = missing.reduce<Scalar>(
    (expr, { axis, touching }) => select("ge", coord(axis), constant(touching), constant(value), expr),
    arg(0),
  );
  return builder.map(filled, [whole], whole.shape);
}
