import { add, binary, constant, mul } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";

export const power = elementwise({
  type: "Power",
  parameter: "power_param",
  summary: "A power of a linear function.",
  equation: "y = (shift + scale · x)^power",
  notes: ["power 0 gives 1 everywhere, and no gradient."],
  apply: (x, { power, scale, shift }) => {
    const inner = add(mul(constant(scale), x), constant(shift));
    return power === 0 || scale === 0
      ? constant((scale === 0 ? shift : 1) ** power)
      : binary("pow", inner, constant(power));
  },
  values: { kind: "real", min: 0.2, max: 2, bounded: true },
  settings: (draw) => ({
    power_param: {
      power: draw.of([1, 2, 0.5, -1.5, 3]),
      scale: draw.of([1, 0.5]),
      shift: draw.of([0, 0.25]),
    },
  }),
});
