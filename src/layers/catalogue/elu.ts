import { shaped } from "../../../codegen/ir/scalar.js";
import { awayFrom } from "../domain.js";
import { elementwise } from "../elementwise.js";

export const elu = elementwise({
  type: "ELU",
  parameter: "elu_param",
  summary: "The exponential linear unit.",
  equation: "y = x if x > 0, else alpha · (e^x − 1)",
  apply: (x, { alpha }) => shaped("elu", x, alpha),
  values: awayFrom(0),
  settings: (draw) => ({ elu_param: { alpha: draw.of([0.5, 1, 2]) } }),
});
