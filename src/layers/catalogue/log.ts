import { add, constant, div, mul, unary } from "../../../codegen/ir/scalar.js";
import { elementwise } from "../elementwise.js";

export const log = elementwise({
  type: "Log",
  parameter: "log_param",
  summary: "A logarithm to a base, e by default.",
  equation: "y = log_base(shift + scale · x)",
  notes: ["base −1 stands for e."],
  refuse: ({ base }) =>
    base === -1 || (base > 0 && base !== 1)
      ? undefined
      : [`base must be positive and not 1, or -1 for e, not ${base}`, "base"],
  apply: (x, { base, scale, shift }) => {
    const value = unary("log", add(mul(constant(scale), x), constant(shift)));
    return base === -1 ? value : div(value, constant(Math.log(base)));
  },
  values: { kind: "real", min: 0.2, max: 3, bounded: true },
  settings: (draw) => ({ log_param: { base: draw.of([-1, 2, 10]), shift: draw.of([0, 0.5]) } }),
});
