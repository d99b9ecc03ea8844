import { shaped } from "../../../codegen/ir/scalar.js";
import { awayFrom } from "../domain.js";
import { elementwise } from "../elementwise.js";

export const relu = elementwise({
  type: "ReLU",
  parameter: "relu_param",
  summary: "Passes positive values; multiplies negative ones by negative_slope.",
  equation: "y = x if x > 0, else negative_slope · x",
  apply: (x, { negative_slope }) => shaped("leakyRelu", x, negative_slope),
  values: awayFrom(0),
  settings: (draw) => ({ relu_param: { negative_slope: draw.of([0, 0.1, 0.5]) } }),
});
