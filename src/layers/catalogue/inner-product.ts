import { add, arg } from "../../../codegen/ir/scalar.js";
import { drawShape } from "../domain.js";
import { defineLayer } from "../record.js";
import { canonicalAxis, countBetween } from "../shapes.js";

export const innerProduct = defineLayer({
  type: "InnerProduct",
  parameter: "inner_product_param",
  summary: "A fully connected layer: every output is a weighted sum of all values from axis on.",
  equation: "y = x · wᵀ + b, x as a matrix with the axes before `axis` as rows",
  notes: ["Parameter 0 is w, num_output × inputs (transpose: inputs × num_output); parameter 1 is b."],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower(context) {
    const { builder, parameter, param, fail } = context;
    const [x] = context.bottoms;
    const { num_output: outputs, transpose } = parameter;
    if (outputs < 1) fail("num_output must be given, and positive", "num_output");
    const axis = canonicalAxis(context, parameter.axis, x.shape, "axis");
    const rows = countBetween(x.shape, 0, axis);
    const inputs = countBetween(x.shape, axis);
    const w = param(0, transpose ? [inputs, outputs] : [outputs, inputs], parameter.weight_filler);
    const product = builder.matmul(
      builder.reshape(x, [1, rows, inputs]),
      builder.reshape(w, [1, ...w.shape]),
      false,
      !transpose,
    );
    const y = parameter.bias_term
      ? builder.map(add(arg(0), arg(1)), [product, param(1, [outputs], parameter.bias_filler)])
      : product;
    return [builder.reshape(y, [...x.shape.slice(0, axis), outputs])];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape];
    },
    settings: (draw) => ({
      inner_product_param: {
        num_output: draw.integer(1, 5),
        bias_term: draw.boolean(),
        transpose: draw.boolean(),
        axis: draw.of([1, -1]),
      },
    }),
  },
});
