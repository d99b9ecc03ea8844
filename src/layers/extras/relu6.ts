import { binary, constant, select, shaped } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";

export const relu6 = elementwise({
  type: "ReLU6",
  parameter: "relu_param",
  summary: "Passes values between 0 and 6, and cuts what is outside.",
  equation: "y = min(max(x, 0) + negative_slope · min(x, 0), 6)",
  apply: (x, { negative_slope }) => binary("min", constant(6), shaped("leakyRelu", x, negative_slope)),
  slope: (x, { negative_slope }) => {
    const below = select("le", x, constant(0), constant(negative_slope), constant(0));
    return select("gt", x, constant(0), select("lt", x, constant(6), constant(1), constant(0)), below);
  },
  values: { kind: "real", min: -3, max: 9, away: [0, 6], distance: 0.05 },
  settings: (draw) => ({ relu_param: { negative_slope: draw.of([0, 0.1]) } }),
});
