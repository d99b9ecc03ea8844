import { add, arg, div, mul, sub, unary } from "../../codegen/ir/scalar.js";
import { refusesMomentum, type UpdateRule } from "./rule.js";
import { float, square } from "./update-scalars.js";

/** AdaGrad (Duchi et al. 2011): h ← h + g²; w ← w − rate·g / (√h + δ). */
export const adagrad: UpdateRule = {
  slots: 1,
  scalars: [],
  refuses: refusesMomentum("AdaGrad"),
  update(b, { weight, gradient, history: [h], rate, constants }) {
    const next = b.map(add(square(arg(0)), arg(1)), [gradient, h]);
    const step = mul(arg(1), div(arg(2), add(unary("sqrt", arg(3)), float(constants.delta))));
    return { weight: b.map(sub(arg(0), step), [weight, rate, gradient, next]), history: [next] };
  },
};
