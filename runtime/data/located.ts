import { CortadoError, type Span } from "../../proto/errors/index.js";

/** Runs `work`; what it finds wrong that has no place yet is given this one. */
export async function located<T>(span: Span | undefined, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CortadoError) || span === undefined) throw error;
    throw new CortadoError(error.diagnostics.map((one) => ({ ...one, span: one.span ?? span })));
  }
}
