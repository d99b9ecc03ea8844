import { availableCores } from "../cores.js";

/**
 * Does work that other processes or threads carry out, in order, as many at once as there are cores. When one fails, those
 * that have begun are waited for, and no other begins.
 *
 * @throws what the first of them threw
 */
export async function eachInParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await work(next);
      } catch (error) {
        // The others need not begin what is no longer wanted.
        queue.length = 0;
        throw error;
      }
    }
  };
  const workers = Math.min(availableCores(), queue.length);
  const ends = await Promise.allSettled(Array.from({ length: workers }, worker));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
