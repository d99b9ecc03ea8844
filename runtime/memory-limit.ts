import { totalmem } from "node:os";

/** What this process may use at most, in bytes: the machine's memory, or less where a container allows less. */
export function memoryLimit(): number {
  // 0 or undefined where the operating system does not say; a number beyond all memory where there is no limit.
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
