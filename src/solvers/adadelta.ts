import { add, arg, div, mul, unary } from "../../codegen/ir/scalar.js";
import { refusesNothing, type UpdateRule } from "./rule.js";
import { float, movingAverage, square } from "./update-scalars.js";

/**
 * AdaDelta (Zeiler 2012), its decay being `momentum` and its history the averages of squared gradients, then of
 * squared steps: h ← μ·h + (1 − μ)·g²; s = g·√((u + δ) / (h + δ)); u ← μ·u + (1 − μ)·s²; w ← w − rate·s.
 */
export const adadelta: UpdateRule = {
  slots: 2,
  scalars: [],
  refuses: refusesNothing,
  update(b, { gradient, history: [h, u], rate, constants: { momentum, delta } }) {
    const squares = b.map(movingAverage(momentum, arg(1), square(arg(0))), [gradient, h]);
    const ratio = div(add(float(delta), arg(1)), add(float(delta), arg(2)));
    const step = b.map(mul(arg(0), unary("sqrt", ratio)), [gradient, u, squares]);
    const steps = b.map(movingAverage(momentum, arg(1), square(arg(0))), [step, u]);
    return {
      step: b.map(mul(arg(0), arg(1)), [rate, step], step.shape),
      history: [squares, steps],
    };
  },
};
