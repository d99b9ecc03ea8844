import { add, arg, div, mul, unary } from "../../codegen/ir/scalar.js";
import { refusesMomentum, type UpdateRule } from "./rule.js";
import { float, square } from "./update-scalars.js";

/** AdaGrad (Duchi et al. 2011): h ← h + g²; w ← w − rate·g / (√h + δ). */
export const adagrad: UpdateRule = {
  slots: 1,
  scalars: [],
  refuses: refusesMomentum("AdaGrad"),
  update(b, { gradient, history: [h], rate, constants }) {
    const next = b.map(add(square(arg(0)), arg(1)), [gradient, h]);
    const step = mul(arg(0), div(arg(1), add(unary("sqrt", arg(2)), float(constants.delta))));
    return { step: b.map(step, [rate, gradient, next], gradient.shape), history: [next] };
  },
};
