/** Every mistake of a solver at once: of its text, its settings, and the nets that it names. */

import { CortadoError, createDiagnostics, type Diagnostic } from "../../proto/errors/index.js";
import type { SolverParameter } from "../../proto/index.js";
import { type LayerType, schemaWith } from "../layers/index.js";
import { furtherMistakes } from "../net/lower-definition.js";
import { type SolverDef, spanOf } from "../net-text/index.js";
import { checkSolver } from "../solvers/check-solver.js";
import { type NetPlans, resolveNets } from "../solvers/solver-nets.js";

/**
 * The nets of a solver that is right, and its warnings.
 *
 * @throws CortadoError with every mistake, each with its place; data is not opened
 */
export async function checkedSolver(
  definition: SolverDef,
  folders: readonly string[],
  options: {
    readonly layers?: readonly LayerType[];
    readonly level?: number;
    readonly stages?: readonly string[];
    readonly nets?: Readonly<Record<string, string>>;
  },
): Promise<{ readonly plans: NetPlans; readonly warnings: readonly Diagnostic[] }> {
  const { solver, errors = [] } = definition;
  const found = createDiagnostics();
  checkSolver(solver, found);
  let plans: NetPlans | undefined;
  try {
    plans = await resolveNets(definition, folders, schemaWith(options.layers), options.nets);
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    for (const diagnostic of error.diagnostics) found.report(diagnostic);
  }
  for (const plan of plans ? [plans.train, ...plans.tests] : []) {
    const isTrain = plan === plans?.train;
    const state = {
      phase: plan.phase,
      level: (isTrain ? options.level : undefined) ?? plan.level,
      stages: [...plan.stages, ...(isTrain ? (options.stages ?? []) : [])],
    };
    for (const diagnostic of furtherMistakes(plan.definition, state, options.layers))
      found.report(diagnostic);
  }
  const others = besides(errors, solver, found.all);
  const mistakes = distinct([...errors, ...others.filter(({ severity }) => severity === "error")]);
  const warnings = others.filter(({ severity }) => severity === "warning");
  if (mistakes.length > 0 || !plans) throw new CortadoError([...mistakes, ...warnings]);
  return { plans, warnings };
}

/** What is wrong beside the text: what a broken text seems to lack may be what is broken in it. */
export function besides(
  errors: readonly Diagnostic[],
  solver: SolverParameter,
  found: readonly Diagnostic[],
): readonly Diagnostic[] {
  const whole = spanOf(solver);
  return errors.length === 0 ? found : found.filter(({ span }) => span !== undefined && span !== whole);
}

/** The train net and a test net of one file share most of their layers, and so their mistakes. */
export function distinct(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(({ message, span }) => {
    const key = `${span?.source.name} ${span?.start} ${message}`;
    const known = seen.has(key);
    seen.add(key);
    return !known;
  });
}
