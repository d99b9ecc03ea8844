import { add, arg, div, mul, unary } from "../../codegen/ir/scalar.js";
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
  update(b, { gradient, history: [h], rate, constants }) {
    const next = b.map(movingAverage(constants.rmsDecay, arg(1), square(arg(0))), [gradient, h]);
    const step = mul(arg(0), div(arg(1), add(unary("sqrt", arg(2)), float(constants.delta))));
    return { step: b.map(step, [rate, gradient, next], gradient.shape), history: [next] };
  },
};
