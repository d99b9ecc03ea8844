import { visibleLines } from "../words/names.js";
import type { Diagnostic } from "./diagnostic.js";
import { formatDiagnostics } from "./format-diagnostics.js";

/**
 * The user gave something that cannot be used: a mistake in a prototxt, a weight file that does not fit, a
 * wrong flag. Carries every mistake found, each with its place; the command line prints them and exits with 2.
 */
export class CortadoError extends Error {
  override readonly name = "CortadoError";
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(formatDiagnostics(diagnostics));
  }
}

/** Shorthand for an error with one diagnostic and no span (a file, a flag, an argument of a call). */
export function userError(message: string, hint?: string): CortadoError {
  return new CortadoError([{ severity: "error", message, hint }]);
}

/** Cortado broke one of its own rules: never the user's fault, always a bug to report. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  constructor(message: string) {
    super(
      `${visibleLines(message)}\nThis is a fault in Cortado itself. Please report it with the net that caused it.`,
    );
  }
}
