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
  // max(min, min(x, max)) of Caffe's CPU code, for which NaN is min.
  apply: (x, { min, max }) =>
    select("ge", x, constant(min), select("gt", x, constant(max), constant(max), x), constant(min)),
  slope: (x, { min, max }) =>
    select("ge", x, constant(min), select("le", x, constant(max), constant(1), constant(0)), constant(0)),
  values: ({ min, max }) => ({ kind: "real", min: min - 1, max: max + 1, away: [min, max], distance: 0.05 }),
  settings: (draw) => ({ clip_param: { min: draw.of([-1, 0]), max: draw.of([0.5, 1]) } }),
});
