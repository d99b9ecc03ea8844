import { MOST_THREADS, refusedThreads } from "../thread-sharing.js";

/** What the caller of `load` may say where kernels run on threads. */
export interface ThreadOptions {
  /** Threads that run the kernels; default: one for each core that the process or the page may use. */
  readonly threads?: unknown;
}

/**
 * The threads that are asked for; undefined where nobody does.
 *
 * @throws Error where that is no number of threads, or there cannot be so many here
 */
export function threadsAsked({ threads }: ThreadOptions): number | undefined {
  if (threads === undefined) return undefined;
  if (typeof threads !== "number" || !Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS)
    throw new Error(`option threads is a whole number from 1 to ${MOST_THREADS}`);
  const refused = refusedThreads(threads);
  if (refused) throw new Error(refused.join("\n  "));
  return threads;
}
