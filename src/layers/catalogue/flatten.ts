import { drawShape } from "../domain.js";
import { defineLayer } from "../record.js";
import { canonicalAxis, countBetween } from "../shapes.js";

export const flatten = defineLayer({
  type: "Flatten",
  parameter: "flatten_param",
  summary: "Makes one axis of the axes from axis to end_axis, both included.",
  equation: "y = x, with another shape",
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower(context) {
    const { builder, parameter, fail } = context;
    const [x] = context.bottoms;
    const start = canonicalAxis(context, parameter.axis, x.shape, "axis");
    const end = canonicalAxis(context, parameter.end_axis, x.shape, "end_axis");
    // Right behind the end there are no axes to make one of: an axis of 1 is put in, as in Caffe.
    if (start > end + 1) fail(`axis ${start} lies behind end_axis ${end}`, "end_axis", { bottoms: [0] });
    const flat = countBetween(x.shape, start, end + 1);
    return [builder.reshape(x, [...x.shape.slice(0, start), flat, ...x.shape.slice(end + 1)])];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape];
    },
    settings: (draw, [shape]) => ({
      flatten_param: { axis: draw.integer(0, shape.length - 1), end_axis: -1 },
    }),
  },
});
