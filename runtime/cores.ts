import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { coresWithin } from "./core-quota.js";

/** Cores that this process may use. */
export const availableCores = (): number => coresWithin(availableParallelism(), read);

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
