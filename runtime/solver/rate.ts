import type { SolverParameter } from "../../proto/index.js";

/** The learning-rate policies of Caffe, by the name a `solver.prototxt` gives. */
export const POLICIES = ["fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid"] as const;
export type Policy = (typeof POLICIES)[number];

/** What a policy reads of a solver. */
export type RateSettings = Pick<
  SolverParameter,
  "lr_policy" | "base_lr" | "gamma" | "power" | "stepsize" | "stepvalue" | "max_iter"
>;

/** A learning rate, and the count of steps taken that goes into the solver's state. */
export interface Rate {
  /** float32. */
  readonly rate: number;
  readonly currentStep: number;
}

/** Caffe raises floats to float powers in float, and to whole powers in double. */
const float = Math.fround;

/**
 * The learning rate of an iteration (from 0), as Caffe's GetLearningRate computes it in float32. `currentStep` is
 * that of the iteration before; a multistep policy advances it by at most one.
 *
 *     fixed      base_lr
 *     step       base_lr · gamma ^ ⌊iteration / stepsize⌋
 *     exp        base_lr · gamma ^ iteration
 *     inv        base_lr · (1 + gamma · iteration) ^ −power
 *     multistep  base_lr · gamma ^ (how many stepvalues were reached)
 *     poly       base_lr · (1 − iteration / max_iter) ^ power
 *     sigmoid    base_lr / (1 + exp(−gamma · (iteration − stepsize)))
 */
export function rateOf(policy: Policy, solver: RateSettings, iteration: number, currentStep: number): Rate {
  const base = float(solver.base_lr);
  const gamma = float(solver.gamma);
  const power = float(solver.power);
  switch (policy) {
    case "fixed":
      return { rate: base, currentStep };
    case "step": {
      const step = Math.floor(iteration / solver.stepsize);
      return { rate: float(base * gamma ** step), currentStep: step };
    }
    case "exp":
      return { rate: float(base * gamma ** iteration), currentStep };
    case "inv":
      return { rate: float(base * float(float(1 + float(gamma * iteration)) ** -power)), currentStep };
    case "multistep": {
      const reached =
        currentStep < solver.stepvalue.length && iteration >= solver.stepvalue[currentStep] ? 1 : 0;
      const step = currentStep + reached;
      return { rate: float(base * gamma ** step), currentStep: step };
    }
    case "poly":
      return {
        rate: float(base * float(float(1 - float(iteration / solver.max_iter)) ** power)),
        currentStep,
      };
    case "sigmoid":
      return {
        rate: float(base * float(1 / (1 + Math.exp(-gamma * (iteration - solver.stepsize))))),
        currentStep,
      };
    default:
      return policy satisfies never;
  }
}
