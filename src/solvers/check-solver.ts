import type { Diagnostics } from "../../proto/errors/index.js";
import { didYouMean, orList } from "../../proto/errors/suggest.js";
import { has, type SolverParameter } from "../../proto/index.js";
import { quoted } from "../../proto/words/names.js";
import { checkPolicy } from "../../runtime/solver/policy.js";
import { nameSpanOf, spanOf } from "../net-text/index.js";
import { constantsOf, isSolverType, ruleOf, SOLVER_TYPES } from "./index.js";

/**
 * Reports what no training could come of, at its place: what Caffe stops at when it creates or first runs such a
 * solver, and numbers that mean nothing. The nets are not looked at: that is `resolveNets`.
 */
export function checkSolver(solver: SolverParameter, diagnostics: Diagnostics): void {
  if (isSolverType(solver.type)) {
    for (const { field, reason } of ruleOf(solver).refuses(constantsOf(solver)))
      diagnostics.error(reason, spanOf(solver, field) ?? spanOf(solver, "type") ?? spanOf(solver));
  } else
    diagnostics.error(`unknown solver type ${quoted(solver.type)}`, spanOf(solver, "type"), {
      hint: didYouMean(solver.type, SOLVER_TYPES) ?? `one of ${orList(SOLVER_TYPES)}`,
    });
  checkPolicy(solver, diagnostics);
  checkRegularization(solver, diagnostics);
  for (const field of ["average_loss", "iter_size"] as const)
    if (solver[field] < 1)
      diagnostics.error(`${field} must be at least 1, not ${solver[field]}`, spanOf(solver, field));
  for (const field of ["max_iter", "display", "snapshot", "test_interval"] as const)
    if (solver[field] < 0)
      diagnostics.error(`${field} must not be negative: ${solver[field]}`, spanOf(solver, field));
  for (const [i, count] of solver.test_iter.entries())
    if (count < 0)
      diagnostics.error(`test_iter must not be negative: ${count}`, spanOf(solver, "test_iter", i));
  for (const field of ["base_lr", "max_iter"] as const)
    if (!has(solver, field))
      diagnostics.warn(`the solver has no ${field}: it is 0, and nothing will be learnt`, spanOf(solver));
  if (solver.snapshot_diff)
    diagnostics.warn("snapshot_diff: gradients are not written", nameSpanOf(solver, "snapshot_diff"));
}

/** Caffe looks at the type only where something decays. */
function checkRegularization(solver: SolverParameter, diagnostics: Diagnostics): void {
  const type = solver.regularization_type;
  if (solver.weight_decay === 0 || type === "L1" || type === "L2") return;
  diagnostics.error(`unknown regularization type ${quoted(type)}`, spanOf(solver, "regularization_type"), {
    hint: 'one of "L1" or "L2"',
  });
}
