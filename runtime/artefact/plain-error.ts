import { CortadoError } from "../../proto/errors/errors.js";
import { mistakeText } from "../net/mistakes.js";

/** In a built module what the user can mend is a plain error. */
export const plainError = (reason: unknown): unknown =>
  reason instanceof CortadoError
    ? new Error(reason.diagnostics.map(mistakeText).join("\n"), { cause: reason })
    : reason;

export function plainly<T>(work: () => T): T {
  try {
    return work();
  } catch (reason) {
    throw plainError(reason);
  }
}
