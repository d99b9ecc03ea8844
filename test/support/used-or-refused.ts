import { expect } from "vitest";
import { CortadoError } from "../../proto/errors/index.js";
import { cpuTime } from "./cpu-time.js";

/** A limit of processor time for one damaged file: no measure of speed, but the end of what never ends. */
const MOST_MILLISECONDS = 10_000;
/** Of memory beside what was there: far below what a size that a damaged file claims would take. */
const MOST_BYTES = 2 ** 30;

/** Runs something that may refuse its input, but only in words, soon, and within memory. */
export async function usedOrRefused(run: () => unknown): Promise<void> {
  const start = cpuTime();
  const memory = process.memoryUsage.rss();
  try {
    await run();
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    expect(error.diagnostics.some(({ severity }) => severity === "error")).toBe(true);
    expect(error.message).not.toMatch(/\bat .*\.[jt]s:\d+/);
  }
  expect(cpuTime() - start).toBeLessThan(MOST_MILLISECONDS);
  expect(process.memoryUsage.rss() - memory).toBeLessThan(MOST_BYTES);
}
