import { constant, mul, unary } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";

export const swish = elementwise({
  type: "Swish",
  parameter: "swish_param",
  summary: "A value times its own logistic function.",
  equation: "y = x / (1 + e^(−beta · x))",
  apply: (x, { beta }) => mul(x, unary("sigmoid", mul(constant(beta), x))),
  settings: (draw) => ({ swish_param: { beta: draw.of([0.5, 1, 2]) } }),
});
