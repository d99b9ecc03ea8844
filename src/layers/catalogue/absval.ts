import { unary } from "../../../codegen/ir/scalar.js";
import { awayFrom } from "../domain.js";
import { elementwise } from "../elementwise.js";

export const absval = elementwise({
  type: "AbsVal",
  summary: "The absolute value.",
  equation: "y = |x|",
  apply: (x) => unary("abs", x),
  values: awayFrom(0),
});
