import { arg, constant, mul, type Scalar, unary } from "../../../codegen/ir/scalar.js";
import type { ReductionParameter } from "../../../proto/index.js";
import { awayFrom } from "../domain.js";
import { defineLayer } from "../record.js";
import { canonicalAxis, countBetween } from "../shapes.js";

export const reduction = defineLayer({
  type: "Reduction",
  parameter: "reduction_param",
  summary: "The sum, the sum of absolute values or of squares, or the mean, of all axes from axis on.",
  equation: "SUM: y = coeff · Σ x; ASUM: coeff · Σ |x|; SUMSQ: coeff · Σ x²; MEAN: coeff · Σ x / n",
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower(context) {
    const { builder, parameter } = context;
    const [x] = context.bottoms;
    // A scalar is reduced over its no axes.
    const axis = x.shape.length === 0 ? 0 : canonicalAxis(context, parameter.axis, x.shape, "axis");
    const axes = x.shape.map((_, i) => i).slice(axis);
    const terms = builder.map(term(parameter.operation), [x], x.shape);
    const total = builder.reduce("sum", terms, axes, true);
    const mean = parameter.operation === "MEAN" ? countBetween(x.shape, axis) : 1;
    return [builder.map(mul(arg(0), constant(parameter.coeff / mean)), [total], total.shape)];
  },
  domain: {
    settings: (draw, [shape]) => ({
      reduction_param: {
        operation: draw.of(["SUM", "ASUM", "SUMSQ", "MEAN"]),
        axis: draw.integer(0, shape.length - 1),
        coeff: draw.of([1, 0.5]),
      },
    }),
    values: () => [awayFrom(0)],
  },
});

function term(operation: ReductionParameter["operation"]): Scalar {
  switch (operation) {
    case "SUM":
    case "MEAN":
      return arg(0);
    case "ASUM":
      return unary("abs", arg(0));
    case "SUMSQ":
      return mul(arg(0), arg(0));
    default:
      return operation satisfies never;
  }
}
