import { integer, type Rule } from "../../proto/arguments/argument-rules.js";
import { userError } from "../../proto/errors/index.js";
import { availableCores } from "../../runtime/cores.js";
import { MOST_THREADS, refusedThreads } from "../../runtime/thread-sharing.js";
import { fromEnvironment } from "./environment.js";

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
  const refused = asked === undefined ? undefined : refusedThreads(asked);
  if (refused) throw userError(...refused);
  return asked === undefined
    ? { threads: Math.min(availableCores(), MOST_THREADS), atMost: true }
    : { threads: asked, atMost: false };
}
