import { unary } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";

export const tanh = elementwise({
  type: "TanH",
  summary: "The hyperbolic tangent.",
  equation: "y = tanh x",
  apply: (x) => unary("tanh", x),
});
