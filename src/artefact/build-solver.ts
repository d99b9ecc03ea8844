import { CortadoError, createDiagnostics } from "../../proto/errors/index.js";
import { createMessage, type SolverParameter } from "../../proto/index.js";
import { type LayerType, schemaWith } from "../layers/index.js";
import { looksLikeText, readTextFile } from "../net/read-definition.js";
import { parseSolver, type SolverDef } from "../net-text/index.js";
import { checkSolver } from "../solvers/check-solver.js";

/**
 * The solver whose rule is built in: by text, path or value; without one Caffe's defaults, SGD without momentum or
 * decay, and no policy for the rate.
 *
 * @throws CortadoError with every mistake in it
 */
export async function buildSolver(
  solver: string | SolverDef | undefined,
  layers?: readonly LayerType[],
): Promise<SolverParameter> {
  if (solver === undefined) return createMessage("SolverParameter");
  const definition =
    typeof solver !== "string"
      ? solver
      : looksLikeText(solver)
        ? parseSolver(solver, { schema: schemaWith(layers) })
        : parseSolver(await readTextFile(solver, "solver"), {
            name: solver,
            schema: schemaWith(layers),
          });
  const diagnostics = createDiagnostics();
  checkSolver(definition.solver, diagnostics);
  if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
  return definition.solver;
}
