import { add, arg, constant, div, mul, unary } from "../../../codegen/ir/scalar.js";
import { createMessage } from "../../../proto/index.js";
import { showShape } from "../../../proto/words/amounts.js";
import { laidAlong } from "../broadcast.js";
import { drawShape } from "../domain.js";
import { defineLayer } from "../record.js";

const ONE = createMessage("FillerParameter", { type: "constant", value: 1 });

export const normalize = defineLayer({
  type: "Normalize",
  param: {
    name: "norm_param",
    number: 206,
    fields: {
      across_spatial: { type: "bool", default: true, number: 1 },
      scale_filler: { type: "FillerParameter", number: 2 },
      channel_shared: { type: "bool", default: true, number: 3 },
      eps: { type: "float", default: 1e-10, number: 4 },
    },
  },
  summary: "Divides by the Euclidean norm and multiplies by a scale that is learned: SSD's.",
  equation: "y[n, c, p] = s[c] · x[n, c, p] / √(Σ x² + eps)",
  notes: [
    "The sum goes over channels and positions of a sample; with across_spatial: false over channels alone.",
    "Parameter 0 is s, one value with channel_shared. Without scale_filler it starts at 1.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [x], parameter, param, fail }) {
    const rank = x.shape.length;
    if (rank < 2)
      fail(`the bottom must have at least 2 axes, not the shape ${showShape(x.shape)}`, undefined, {
        bottoms: [0],
      });
    if (!(parameter.eps >= 0)) fail(`eps must not be negative, and is ${parameter.eps}`, "eps");
    const axes = parameter.across_spatial ? x.shape.map((_, axis) => axis).slice(1) : [1];
    const squares = builder.reduce("sum", builder.map(mul(arg(0), arg(0)), [x], x.shape), axes);
    const norm = builder.map(unary("sqrt", add(arg(0), constant(parameter.eps))), [squares]);
    const scale = param(0, parameter.channel_shared ? [] : [x.shape[1]], parameter.scale_filler ?? ONE);
    return [
      builder.map(mul(div(arg(0), arg(1)), arg(2)), [x, norm, laidAlong(builder, scale, x, 1)], x.shape),
    ];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape];
    },
    settings: (draw) => ({
      norm_param: {
        across_spatial: draw.boolean(),
        channel_shared: draw.boolean(),
        eps: draw.of([1e-2, 0.1]),
      },
    }),
    // Where all values are near 0 the norm bends too sharply for differences.
    values: () => [{ kind: "real", min: -2, max: 2, away: [0], distance: 0.2 }],
  },
});
