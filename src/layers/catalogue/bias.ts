import { add, arg } from "../../../codegen/ir/scalar.js";
import { coveredAxes, drawAxes, drawBroadcast, laidAlong } from "../broadcast.js";
import { defineLayer } from "../record.js";

export const bias = defineLayer({
  type: "Bias",
  parameter: "bias_param",
  summary: "Adds a blob laid along some axes: a parameter, or the second bottom.",
  equation: "y = x + b",
  notes: ["With one bottom, b covers num_axes axes from axis on (-1: all that follow) and is parameter 0."],
  bottoms: { min: 1, max: 2 },
  tops: { exact: 1 },
  inPlace: true,
  lower(context) {
    const { builder, parameter, param } = context;
    const [x, second] = context.bottoms;
    const { axis, shape } = coveredAxes(context);
    const b = laidAlong(builder, second ?? param(0, shape, parameter.filler), x, axis);
    return [builder.map(add(arg(0), arg(1)), [x, b], x.shape)];
  },
  domain: { shapes: drawBroadcast, settings: (draw) => ({ bias_param: drawAxes(draw) }) },
});
