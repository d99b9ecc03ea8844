import { integer, type Rule } from "../../proto/arguments/argument-rules.js";
import { userError } from "../../proto/errors/index.js";
import { availableCores } from "../../runtime/cores.js";
import { threadsRefused } from "../../runtime/thread-sharing.js";
import { fromEnvironment } from "./environment.js";

/** More threads than any machine has cores are a mistake, and each costs memory. */
const MOST_THREADS = 1024;

export const threadsRule: Rule<number> = integer(1, MOST_THREADS);

export interface Threads {
  readonly threads: number;
  /** Nobody asked for them: a device may take fewer for a program that they would not speed up. */
  readonly atMost: boolean;
}

/**
 * Those that are given, else what CORTADO_THREADS says, else one for each core that this process may use.
 *
 * @throws CortadoError where the variable is no such number, or threads cannot share memory here
 */
export function threadsFor(given?: number): Threads {
  const asked = given ?? fromEnvironment("CORTADO_THREADS", threadsRule);
  const refused = threadsRefused();
  if (asked !== undefined && asked > 1 && refused !== undefined)
    throw userError(
      `threads: ${asked} cannot be had: ${refused}`,
      "threads: 1, or no such option, runs on one",
    );
  return asked === undefined
    ? { threads: Math.min(availableCores(), MOST_THREADS), atMost: true }
    : { threads: asked, atMost: false };
}
