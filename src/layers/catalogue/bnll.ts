import { unary } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";

export const bnll = elementwise({
  type: "BNLL",
  summary: "The binomial normal log likelihood, also known as softplus.",
  equation: "y = log(1 + e^x)",
  notes: ["Computed without overflow for any x."],
  apply: (x) => unary("softplus", x),
});
