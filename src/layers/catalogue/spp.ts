import type { Node } from "../../../codegen/ir/graph.js";
import { showShape } from "../../../proto/words/amounts.js";
import { defineLayer, type LayerContext, parameterOf } from "../record.js";
import { countBetween, poolAxis } from "../shapes.js";
import { stochasticPool } from "../stochastic-pool.js";
import { windowMean } from "../window-mean.js";

export const spp = defineLayer({
  type: "SPP",
  parameter: "spp_param",
  summary:
    "Spatial pyramid pooling: pools each channel into 1, 2×2, 4×4 … bins, so that images of any size give as many values.",
  equation: "y = [pool₀(x) pool₁(x) …], poolᵢ with 2ⁱ × 2ⁱ bins",
  notes: [
    "A bin is ⌈extent / 2ⁱ⌉ long, and so is the stride; what is missing to whole bins is padding. An image that is too small for its bins is refused, as in Caffe.",
    "With pyramid_height 1 the top keeps its four axes; else it is N × C·(1 + 4 + …).",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower(context) {
    const { builder, parameter, fail } = context;
    const [x] = context.bottoms;
    if (x.shape.length !== 4)
      fail(
        `the bottom must have 4 axes (images, channels, height, width), not the shape ${showShape(x.shape)}`,
        undefined,
        { bottoms: [0] },
      );
    const { pyramid_height: levels } = parameter;
    if (levels < 1) fail("pyramid_height must be given, and positive", "pyramid_height");
    const pooled: Node[] = [];
    for (let level = 0; level < levels; level++) pooled.push(poolLevel(context, level));
    if (levels === 1) return pooled;
    const flat = pooled.map((y) => builder.reshape(y, [y.shape[0], countBetween(y.shape, 1)]));
    return [builder.concat(flat, 1)];
  },
  domain: {
    shapes: (draw, first) => {
      if (first) return first.length === 4 ? [first] : undefined;
      return [[draw.integer(1, 2), draw.integer(1, 2), draw.integer(3, 8), draw.integer(3, 8)]];
    },
    settings: (draw, [shape]) => {
      const most = [3, 2, 1].find((levels) => [2, 3].every((axis) => fits(shape[axis], levels - 1)));
      return { spp_param: { pyramid_height: draw.integer(1, most ?? 1), pool: draw.of(["MAX", "AVE"]) } };
    },
    values: (layer) => [
      parameterOf(layer, "spp_param").pool === "MAX"
        ? { kind: "distinct", gap: 0.05 }
        : { kind: "real", min: -2, max: 2 },
    ],
  },
});

/** SPPLayer::GetPoolingParam along one axis. */
function binsAlong(extent: number, level: number): { readonly bin: number; readonly pad: number } {
  const bins = 2 ** level;
  const bin = Math.ceil(extent / bins);
  return { bin, pad: Math.floor((bin * bins - extent + 1) / 2) };
}

/** Whether no level up to this one would have a bin that is all padding. */
function fits(extent: number, level: number): boolean {
  if (level < 0) return true;
  const { bin, pad } = binsAlong(extent, level);
  return pad < bin && fits(extent, level - 1);
}

function poolLevel(context: LayerContext<"spp_param">, level: number): Node {
  const {
    builder,
    bottoms: [x],
    parameter,
    fail,
  } = context;
  const sides = [2, 3].map((axis) => ({ axis, extent: x.shape[axis], ...binsAlong(x.shape[axis], level) }));
  for (const { extent, bin, pad } of sides)
    if (pad >= bin)
      fail(
        `level ${level} has ${2 ** level} bins along an axis, which ${extent} positions do not fill: pad ${pad}, bins of ${bin}`,
        "pyramid_height",
        { bottoms: [0] },
      );
  const padded = sides.some(({ pad }) => pad > 0);
  const window = sides.map(({ axis, extent, bin, pad }) =>
    poolAxis(axis, extent, bin, bin, pad, "CEIL", padded),
  );
  switch (parameter.pool) {
    case "AVE":
      return builder.map(windowMean(window), [builder.windowSum(x, window)]);
    case "MAX":
      return builder.windowMax(x, window);
    case "STOCHASTIC":
      if (padded)
        fail(
          `STOCHASTIC pooling takes no padding, and level ${level} needs it: ${2 ** level} bins do not divide ${showShape(x.shape.slice(2))}`,
          "pool",
          { bottoms: [0] },
        );
      return stochasticPool(context, x, window);
    default:
      return parameter.pool satisfies never;
  }
}
