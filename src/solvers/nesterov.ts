import { add, arg, mul, sub } from "../../codegen/ir/scalar.js";
import { refusesNothing, type UpdateRule } from "./rule.js";
import { float, scaled } from "./update-scalars.js";

/**
 * Nesterov's accelerated gradient: v' = rate·g + μ·v; w ← w − ((1 + μ)·v' − μ·v). The weight kept is the one the
 * next gradient is taken at.
 */
export const nesterov: UpdateRule = {
  slots: 1,
  scalars: [],
  refuses: refusesNothing,
  update(b, { weight, gradient, history: [v], rate, constants: { momentum } }) {
    const next = b.map(add(mul(arg(0), arg(1)), scaled(momentum, arg(2))), [rate, gradient, v], weight.shape);
    const step = sub(mul(float(1 + momentum), arg(0)), scaled(momentum, arg(1)));
    return { step: b.map(step, [next, v]), history: [next] };
  },
};
