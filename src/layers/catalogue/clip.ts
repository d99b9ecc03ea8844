import { constant, select } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";
import { gives } from "../record.js";

export const clip = elementwise({
  type: "Clip",
  parameter: "clip_param",
  summary: "Brings values into a range.",
  equation: "y = min if x < min, max if x > max, else x",
  // Where a file has no clip_param at all, Caffe takes 0 for both.
  refuse: (parameter) =>
    gives(parameter, "min") && gives(parameter, "max") ? undefined : ["min and max must be given", "min"],
  apply: (x, { min, max }) =>
    select("lt", x, constant(min), constant(min), select("gt", x, constant(max), constant(max), x)),
  values: ({ min, max }) => ({ kind: "real", min: min - 1, max: max + 1, away: [min, max], distance: 0.05 }),
  settings: (draw) => ({ clip_param: { min: draw.of([-1, 0]), max: draw.of([0.5, 1]) } }),
});
