import { visibleLines } from "../words/names.js";
import { isRefusal, troubleOf } from "../words/trouble.js";
import type { Diagnostic } from "./diagnostic.js";
import { formatDiagnostics } from "./format-diagnostics.js";

/** How many frames an error is to have, where the engine asks for that. */
const LIMITED = Error as { stackTraceLimit?: number };

/**
 * The user gave something that cannot be used: a mistake in a prototxt, a weight file that does not fit, a
 * wrong flag. Carries every mistake found, each with its place; the command line prints them and exits with 2, or with 74
 * where only the system is to blame.
 *
 * Where nobody catches it, or a log shows it, it is its message and where it was called from: `diagnostics`, which hold
 * the whole text, are for code that asks for them.
 */
export class CortadoError extends Error {
  declare readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    const message = formatDiagnostics(diagnostics);
    // Frames are put into words when they are read: most errors are caught, and those of a fuzzer are many. To define the
    // property reads what it was, so that has none.
    const origin = new Error();
    const { stackTraceLimit } = LIMITED;
    LIMITED.stackTraceLimit = 0;
    super(message);
    LIMITED.stackTraceLimit = stackTraceLimit;
    hide(this, "name", "CortadoError");
    hide(this, "diagnostics", diagnostics);
    Object.defineProperty(this, "stack", {
      get: () => [`${this.name}: ${this.message}`, ...callersOf(origin.stack ?? "")].join("\n"),
      set: (value: unknown) => hide(this, "stack", value),
      enumerable: false,
      configurable: true,
    });
  }
  toJSON(): { readonly name: string; readonly message: string } {
    return { name: this.name, message: this.message };
  }
}

/** A property that printing an object does not show. */
const hide = (on: object, name: string, value: unknown): void =>
  void Object.defineProperty(on, name, { value, enumerable: false, writable: true, configurable: true });

/** Where Cortado's own modules lie, built or not, and where they are put together; in a module that was built ahead of time none do. */
const ROOT = import.meta.url.replace(/^file:\/\/|proto\/errors\/[^/]*$/g, "");
const OWN = ["src", "codegen", "runtime", "proto", "bundle"].map((floor) => `${ROOT}${floor}/`);

/** The frames of a stack that are not Cortado's, nor Node's: where the call was made. */
const callersOf = (stack: string): readonly string[] =>
  stack
    .split("\n")
    .filter(
      (line) =>
        /^\s+at /.test(line) &&
        ![...OWN, "node:internal/", "(<anonymous>)"].some((place) => line.includes(place)),
    );

/** Shorthand for an error with one diagnostic and no span (a file, a flag, an argument of a call). */
export function userError(message: string, hint?: string): CortadoError {
  return new CortadoError([{ severity: "error", message, hint }]);
}

/**
 * A file or folder could not be read or written: the message, and why. Where the system refused (a full disk, no
 * permission), and not where a path is wrong, the diagnostic says so.
 */
export function fileError(message: string, error: unknown, hint?: string): CortadoError {
  return new CortadoError([fileMistake(message, error, { hint })]);
}

/** The same with a place, or for a list of mistakes. */
export const fileMistake = (
  message: string,
  error: unknown,
  extra: Pick<Diagnostic, "span" | "hint"> = {},
): Diagnostic => ({
  severity: "error",
  message: `${message}: ${troubleOf(error)}`,
  ...extra,
  ...(isRefusal(error) && { refused: true }),
});

/** Cortado broke one of its own rules: never the user's fault, always a bug to report. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  constructor(message: string) {
    super(
      `${visibleLines(message)}\nThis is a fault in Cortado itself. Please report it with the net that caused it.`,
    );
  }
}
