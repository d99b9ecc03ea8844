import { constant, select } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";

export const threshold = elementwise({
  type: "Threshold",
  parameter: "threshold_param",
  summary: "Whether a value is above a threshold.",
  equation: "y = 1 if x > threshold, else 0",
  notes: ["It has no gradient."],
  inPlace: false,
  apply: (x, { threshold }) => select("gt", x, constant(threshold), constant(1), constant(0)),
  settings: (draw) => ({ threshold_param: { threshold: draw.real(-1, 1) } }),
  differentiable: false,
});
