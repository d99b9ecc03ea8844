import { add, arg, mul } from "../../codegen/ir/scalar.js";
import { refusesNothing, type UpdateRule } from "./rule.js";
import { scaled } from "./update-scalars.js";

/** Stochastic gradient descent with momentum: v ← rate·g + μ·v; w ← w − v. */
export const sgd: UpdateRule = {
  slots: 1,
  scalars: [],
  refuses: refusesNothing,
  update(b, { weight, gradient, history: [v], rate, constants }) {
    const next = b.map(
      add(mul(arg(0), arg(1)), scaled(constants.momentum, arg(2))),
      [rate, gradient, v],
      weight.shape,
    );
    return { step: next, history: [next] };
  },
};
