import { add, arg, constant, div, mul, sub } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { defineLayer } from "../record.js";
import { guardedRoot } from "../root.js";
import { countBetween } from "../shapes.js";

export const mvn = defineLayer({
  type: "MVN",
  parameter: "mvn_param",
  summary:
    "Takes the mean off each channel of each image (or off each image), and divides by the standard deviation.",
  equation: "y = (x − mean) / (√variance + eps)",
  notes: [
    "normalize_variance: false leaves the division out; across_channels takes all channels of an image together.",
    "eps is added to the root, and in the derivative of the root as well, as in Caffe: values that are all equal give 0.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [x], parameter, fail }) {
    const rank = x.shape.length;
    if (rank < 1 || rank > 4)
      fail(`the bottom must have 1 to 4 axes, not the shape ${showShape(x.shape)}`, undefined, {
        bottoms: [0],
      });
    const groups = countBetween(x.shape, 0, parameter.across_channels ? 1 : Math.min(2, rank));
    const size = countBetween(x.shape, 0) / groups;
    const rows = builder.reshape(x, [groups, size]);
    const average = mul(arg(0), constant(1 / size));
    const mean = builder.map(average, [builder.reduce("sum", rows, [1])], [groups, 1]);
    const centred = builder.map(sub(arg(0), arg(1)), [rows, mean], rows.shape);
    if (!parameter.normalize_variance) return [builder.reshape(centred, x.shape)];
    const squares = builder.map(mul(arg(0), arg(0)), [centred], rows.shape);
    const variance = builder.map(average, [builder.reduce("sum", squares, [1])], [groups, 1]);
    const deviation = guardedRoot(builder, variance, parameter.eps);
    const y = builder.map(
      div(arg(0), add(arg(1), constant(parameter.eps))),
      [centred, deviation],
      rows.shape,
    );
    return [builder.reshape(y, x.shape)];
  },
  domain: {
    // Values that stand alone in their group have no deviation to divide by.
    shapes: (draw, first) => {
      const shape = first
        ? drawShape(draw, first, 3, 4)
        : [draw.integer(1, 2), draw.integer(1, 3), draw.integer(3, 5)];
      return shape && countBetween(shape, 2) > 2 ? [shape] : undefined;
    },
    settings: (draw) => ({
      mvn_param: {
        normalize_variance: draw.boolean(),
        across_channels: draw.boolean(),
        eps: draw.of([1e-14, 1e-13]),
      },
    }),
    values: () => [{ kind: "distinct", gap: 0.1 }],
  },
});
