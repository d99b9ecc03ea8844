import { add, arg, mul } from "../../../codegen/ir/scalar.js";
import { coveredAxes, drawAxes, drawBroadcast, laidAlong } from "../broadcast.js";
import { defineLayer } from "../record.js";

export const scale = defineLayer({
  type: "Scale",
  parameter: "scale_param",
  summary:
    "Multiplies by a blob laid along some axes: a parameter, or the second bottom; and adds a bias if asked.",
  equation: "y = x · s + b",
  notes: [
    "With one bottom, s covers num_axes axes from axis on (-1: all that follow), is parameter 0 and starts at 1.",
    "b has the shape of s and is the last parameter.",
  ],
  bottoms: { min: 1, max: 2 },
  tops: { exact: 1 },
  inPlace: true,
  lower(context) {
    const { builder, parameter, param } = context;
    const [x, second] = context.bottoms;
    const { axis, shape } = coveredAxes(context);
    const s = laidAlong(builder, second ?? param(0, shape, parameter.filler, 1), x, axis);
    if (!parameter.bias_term) return [builder.map(mul(arg(0), arg(1)), [x, s], x.shape)];
    const b = laidAlong(builder, param(second ? 0 : 1, shape, parameter.bias_filler), x, axis);
    return [builder.map(add(mul(arg(0), arg(1)), arg(2)), [x, s, b], x.shape)];
  },
  domain: {
    shapes: drawBroadcast,
    settings: (draw) => ({ scale_param: { ...drawAxes(draw), bias_term: draw.boolean() } }),
  },
});
