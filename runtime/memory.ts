import { userError } from "../proto/errors/index.js";
import { showBytes } from "../proto/words/amounts.js";
import { memoryLimit } from "./memory-limit.js";
import { threadsRefused } from "./thread-sharing.js";

/**
 * Refuses what cannot fit into this machine, before anything of it is taken: the operating system would grant it
 * and end the process later, when it is written to.
 *
 * @param what what the memory is for, as the subject of a sentence: "the parameters"
 * @throws CortadoError that says how much is needed
 */
export function checkMemory(bytes: number, what: string): void {
  const limit = memoryLimit();
  if (bytes > limit)
    throw userError(
      `${what} need ${showBytes(bytes)} of memory, and this machine has ${showBytes(limit)}`,
      "a smaller batch, or smaller layers, need less",
    );
}

const LITTLE = 2 ** 20;

/**
 * Memory that kernel threads share, all zeros; where they can share none, memory for one.
 *
 * @throws CortadoError where the machine does not grant it
 */
export function allocateShared(bytes: number, what: string): ArrayBuffer | SharedArrayBuffer {
  // So little fits into any machine, and to ask for the limit is to read files.
  if (bytes >= LITTLE) checkMemory(bytes, what);
  try {
    return threadsRefused() === undefined ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  } catch {
    throw userError(`${what} need ${showBytes(bytes)} of memory, and this machine does not grant it`);
  }
}
