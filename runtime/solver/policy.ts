import type { Diagnostics } from "../../proto/errors/index.js";
import { CortadoError, createDiagnostics, didYouMean } from "../../proto/errors/index.js";
import { nameSpanOf, spanOf } from "../../proto/text/spans.js";
import { quoted } from "../../proto/words/names.js";
import { POLICIES, type Policy, type Rate, type RateSettings, rateOf } from "./rate.js";

export { POLICIES, type Policy, type Rate, type RateSettings } from "./rate.js";

const NAMES = Object.keys(POLICIES);

const isPolicy = (name: string): name is Policy => Object.hasOwn(POLICIES, name);

/** Reports what Caffe would stop at: an unknown policy, a stepsize that is not positive, a negative gamma. */
export function checkPolicy(solver: RateSettings, diagnostics: Diagnostics): void {
  const policy = solver.lr_policy;
  if (policy === "") {
    diagnostics.error("the solver has no lr_policy", spanOf(solver, "lr_policy") ?? spanOf(solver), {
      hint: `one of ${NAMES.join(", ")}`,
    });
    return;
  }
  if (!isPolicy(policy)) {
    diagnostics.error(`unknown learning rate policy ${quoted(policy)}`, spanOf(solver, "lr_policy"), {
      hint: didYouMean(policy, NAMES) ?? `one of ${NAMES.join(", ")}`,
    });
    return;
  }
  const by = nameSpanOf(solver, "lr_policy") ?? spanOf(solver);
  const needed: readonly string[] = POLICIES[policy].needs;
  if (needed.includes("stepsize") && !(solver.stepsize > 0)) {
    const given = spanOf(solver, "stepsize");
    diagnostics.error(
      given
        ? `lr_policy "${policy}" needs a positive stepsize, not ${solver.stepsize}`
        : `lr_policy "${policy}" needs a stepsize`,
      given ?? by,
    );
  }
  if (needed.includes("gamma") && !(solver.gamma >= 0))
    diagnostics.error(
      `lr_policy "${policy}" needs a gamma that is not negative, not ${solver.gamma}`,
      spanOf(solver, "gamma") ?? by,
    );
}

/**
 * The learning rate of an iteration: see `rateOf`.
 *
 * @throws CortadoError where `checkPolicy` reports an error
 */
export function learningRate(solver: RateSettings, iteration: number, currentStep: number): Rate {
  const policy = solver.lr_policy;
  if (!isPolicy(policy)) {
    const diagnostics = createDiagnostics();
    checkPolicy(solver, diagnostics);
    throw new CortadoError(diagnostics.all);
  }
  return rateOf(policy, solver, iteration, currentStep);
}
