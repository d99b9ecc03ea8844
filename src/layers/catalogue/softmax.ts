import { drawShape } from "../domain.js";
import { defineLayer } from "../record.js";
import { canonicalAxis } from "../shapes.js";
import { softmaxParts } from "../softmax-parts.js";

export const softmax = defineLayer({
  type: "Softmax",
  parameter: "softmax_param",
  summary: "Makes of the values along an axis positive numbers with the sum 1.",
  equation: "yᵢ = e^xᵢ / Σⱼ e^xⱼ",
  notes: ["The greatest value is subtracted first, so that large inputs do not overflow."],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  inPlace: true,
  lower(context) {
    const [x] = context.bottoms;
    const axis = canonicalAxis(context, context.parameter.axis, x.shape, "axis");
    return [softmaxParts(context.builder, x, axis).probability];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape];
    },
    settings: (draw, [shape]) => ({ softmax_param: { axis: draw.integer(-1, shape.length - 1) } }),
  },
});
