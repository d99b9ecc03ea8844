import type { SolverParameter } from "../../proto/index.js";

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

/** A policy's record. `base`, `gamma` and `power` are float32. */
interface PolicyRecord {
  /** The fields that it needs, beside base_lr. */
  readonly needs: readonly ("gamma" | "stepsize")[];
  /** The count of steps at an iteration, from that of the iteration before. Absent: it is left alone. */
  readonly step?: (settings: RateSettings, iteration: number, before: number) => number;
  readonly rate: (at: {
    readonly base: number;
    readonly gamma: number;
    readonly power: number;
    readonly iteration: number;
    /** After `step`. */
    readonly currentStep: number;
    readonly settings: RateSettings;
  }) => number;
}

/** Caffe raises floats to float powers in float, and to whole powers in double. */
const float = Math.fround;

/**
 * The learning-rate policies of Caffe, by the name a `solver.prototxt` gives:
 *
 *     fixed      base_lr
 *     step       base_lr · gamma ^ ⌊iteration / stepsize⌋
 *     exp        base_lr · gamma ^ iteration
 *     inv        base_lr · (1 + gamma · iteration) ^ −power
 *     multistep  base_lr · gamma ^ (how many stepvalues were reached)
 *     poly       base_lr · (1 − iteration / max_iter) ^ power
 *     sigmoid    base_lr / (1 + exp(−gamma · (iteration − stepsize)))
 */
export const POLICIES = {
  fixed: { needs: [], rate: ({ base }) => base },
  step: {
    needs: ["gamma", "stepsize"],
    step: ({ stepsize }, iteration) => Math.floor(iteration / stepsize),
    rate: ({ base, gamma, currentStep }) => base * gamma ** currentStep,
  },
  exp: { needs: ["gamma"], rate: ({ base, gamma, iteration }) => base * gamma ** iteration },
  inv: {
    needs: ["gamma"],
    rate: ({ base, gamma, power, iteration }) => base * float(float(1 + float(gamma * iteration)) ** -power),
  },
  multistep: {
    needs: ["gamma"],
    // At most one a call, as Caffe's.
    step: ({ stepvalue }, iteration, before) =>
      before + (before < stepvalue.length && iteration >= stepvalue[before] ? 1 : 0),
    rate: ({ base, gamma, currentStep }) => base * gamma ** currentStep,
  },
  poly: {
    needs: [],
    rate: ({ base, power, iteration, settings }) =>
      base * float(float(1 - float(iteration / settings.max_iter)) ** power),
  },
  sigmoid: {
    needs: ["gamma", "stepsize"],
    rate: ({ base, gamma, iteration, settings }) =>
      base * float(1 / (1 + Math.exp(-gamma * (iteration - settings.stepsize)))),
  },
} as const satisfies Readonly<Record<string, PolicyRecord>>;

export type Policy = keyof typeof POLICIES;

/**
 * The learning rate of an iteration (from 0), as Caffe's GetLearningRate computes it in float32. `currentStep` is
 * that of the iteration before.
 */
export function rateOf(policy: Policy, settings: RateSettings, iteration: number, currentStep: number): Rate {
  const { step, rate }: PolicyRecord = POLICIES[policy];
  const next = step ? step(settings, iteration, currentStep) : currentStep;
  const [base, gamma, power] = [float(settings.base_lr), float(settings.gamma), float(settings.power)];
  return {
    rate: float(rate({ base, gamma, power, iteration, currentStep: next, settings })),
    currentStep: next,
  };
}
