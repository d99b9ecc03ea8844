import { quoted } from "../../proto/words/names.js";
import type { TrainTable } from "../net/tables.js";
import { type Policy, rateOf } from "../solver/rate.js";
import { RULE_SCALARS } from "../solver/rule-scalars.js";

/** Gives each step the scalars of its iteration. */
export interface StepScalars {
  /**
   * @param given what the caller sets instead, by name
   * @throws Error for a name that the rule does not have, and where there is neither a rate nor a way to compute it
   */
  next(given: unknown): Readonly<Record<string, number>>;
  /** Counts an iteration as done. */
  done(): void;
  readonly iteration: number;
}

export function createScalars({ scalars, constants, rate: settings }: TrainTable): StepScalars {
  let iteration = 0;
  let currentStep = 0;
  let nextStep = 0;
  const names = ["rate", ...scalars];
  return {
    next(given) {
      if (typeof given !== "object" || given === null)
        throw new Error("the scalars of a step are given as an object: { rate: 0.01 }");
      const own = given as Readonly<Record<string, unknown>>;
      for (const [name, value] of Object.entries(own)) {
        if (!names.includes(name))
          throw new Error(`a step has no scalar ${quoted(name)}: there is ${names.map(quoted).join(", ")}`);
        if (typeof value !== "number") throw new Error(`the scalar ${name} of a step is not a number`);
      }
      const policy = settings && rateOf(settings.lr_policy as Policy, settings, iteration, currentStep);
      nextStep = policy?.currentStep ?? 0;
      if (policy === undefined && own["rate"] === undefined)
        throw new Error(
          "a step needs a rate, { rate: 0.01 }: the net was built without a solver that sets one",
        );
      const next: Record<string, number> = { rate: policy?.rate ?? 0 };
      for (const name of scalars) next[name] = RULE_SCALARS[name](iteration, constants);
      return { ...next, ...(own as Record<string, number>) };
    },
    done: () => {
      iteration++;
      currentStep = nextStep;
    },
    get iteration() {
      return iteration;
    },
  };
}
