import { add, arg, div, mul, unary } from "../../codegen/ir/scalar.js";
import { refusesNothing, type UpdateRule } from "./rule.js";
import { float, movingAverage, square } from "./update-scalars.js";

/**
 * Adam (Kingma and Ba 2015), β₁ being `momentum`, β₂ `momentum2` and ε `delta`: m ← β₁·m + (1 − β₁)·g;
 * v ← β₂·v + (1 − β₂)·g²; w ← w − rate·c·m / (√v + ε), with the correction c = √(1 − β₂ᵗ) / (1 − β₁ᵗ) of
 * iteration t = 1, 2, … from the host.
 */
export const adam: UpdateRule = {
  slots: 2,
  scalars: ["correction"],
  refuses: refusesNothing,
  update(b, { gradient, history: [m, v], rate, scalars, constants }) {
    const mean = b.map(movingAverage(constants.momentum, arg(1), arg(0)), [gradient, m]);
    const squares = b.map(movingAverage(constants.momentum2, arg(1), square(arg(0))), [gradient, v]);
    const size = b.map(mul(arg(0), arg(1)), [rate, scalars.correction]);
    const step = mul(arg(0), div(arg(1), add(unary("sqrt", arg(2)), float(constants.delta))));
    return {
      step: b.map(step, [size, mean, squares], mean.shape),
      history: [mean, squares],
    };
  },
};
