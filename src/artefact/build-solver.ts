import { CortadoError, createDiagnostics } from "../../proto/errors/index.js";
import { createMessage, type SolverParameter } from "../../proto/index.js";
import type { LayerType } from "../layers/index.js";
import { readGivenSolver, type Unread } from "../net/read-definition.js";
import type { SolverDef } from "../net-text/index.js";
import { checkSolver } from "../solvers/check-solver.js";

/**
 * The solver whose rule is built in: by text, path or value; without one Caffe's defaults, SGD without momentum or
 * decay, and no policy for the rate.
 *
 * @throws CortadoError with every mistake in it
 */
export async function buildSolver(
  solver: string | SolverDef | Unread | undefined,
  layers?: readonly LayerType[],
): Promise<SolverParameter> {
  if (solver === undefined) return createMessage("SolverParameter");
  const { definition } = await readGivenSolver(solver, layers);
  if (definition.errors !== undefined && definition.errors.length > 0)
    throw new CortadoError(definition.errors);
  const diagnostics = createDiagnostics();
  checkSolver(definition.solver, diagnostics);
  if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
  return definition.solver;
}
