import { InternalError } from "./errors.js";

/** A value that is there by construction. @throws InternalError where `what` is missing all the same */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new InternalError(`${what} is missing`);
  return value;
}
