import { add, constant, mul, unary } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";

export const exp = elementwise({
  type: "Exp",
  parameter: "exp_param",
  summary: "A power of a base, e by default.",
  equation: "y = base^(shift + scale · x)",
  notes: ["base −1 stands for e."],
  refuse: ({ base }) =>
    base === -1 || base > 0 ? undefined : [`base must be positive, or -1 for e, not ${base}`, "base"],
  apply: (x, { base, scale, shift }) => {
    const perUnit = base === -1 ? 1 : Math.log(base);
    return unary("exp", mul(constant(perUnit), add(mul(constant(scale), x), constant(shift))));
  },
  settings: (draw) => ({ exp_param: { base: draw.of([-1, 2, 0.5]), scale: draw.of([1, 0.5]) } }),
});
