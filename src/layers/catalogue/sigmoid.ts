import { unary } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";

export const sigmoid = elementwise({
  type: "Sigmoid",
  summary: "The logistic function.",
  equation: "y = 1 / (1 + e^−x)",
  apply: (x) => unary("sigmoid", x),
});
