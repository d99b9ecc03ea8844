import { add, arg, div, mul, sub, unary } from "../../codegen/ir/scalar.js";
import { refusesMomentum, type UpdateRule } from "./rule.js";
import { float, movingAverage, square } from "./update-scalars.js";

/** RMSProp (Tieleman and Hinton 2012): h ← d·h + (1 − d)·g²; w ← w − rate·g / (√h + δ). */
export const rmsprop: UpdateRule = {
  slots: 1,
  scalars: [],
  refuses: (constants) => [
    ...refusesMomentum("RMSProp")(constants),
    ...(constants.rmsDecay >= 0 && constants.rmsDecay < 1
      ? []
      : [{ field: "rms_decay", reason: `rms_decay must lie in [0, 1), not ${constants.rmsDecay}` }]),
  ],
  update(b, { weight, gradient, history: [h], rate, constants }) {
    const next = b.map(movingAverage(constants.rmsDecay, arg(1), square(arg(0))), [gradient, h]);
    const step = mul(arg(1), div(arg(2), add(unary("sqrt", arg(3)), float(constants.delta))));
    return { weight: b.map(sub(arg(0), step), [weight, rate, gradient, next]), history: [next] };
  },
};
