import type { GpuDescription } from "../../ir/target-description.js";
import type { Kernel } from "../../kernel/kernel.js";

/** A least time by the roofline model: no measurement, and no promise that it is reached. */
export interface Prediction {
  readonly seconds: number;
  /** What sets it: arithmetic, memory, or merely starting a kernel. */
  readonly bound: "arithmetic" | "memory" | "launch";
}

/** What a kernel inside a CUDA graph costs even if it does nothing: about 2 µs from one kernel's start to the next. */
const LAUNCH_SECONDS = 2e-6;

/** float32 operations per second: two for each fused multiply-add. */
export const peakFlops = (gpu: GpuDescription): number =>
  2 * gpu.fmaPerCycle * gpu.multiprocessors * gpu.gigahertz * 1e9;

/**
 * max(operations / peak, bytes / bandwidth, launch): Williams, Waterman and Patterson's roofline, with each operand's
 * bytes counted once and caches left out.
 */
export function predict(kernel: Pick<Kernel, "flops" | "bytes">, gpu: GpuDescription): Prediction {
  const arithmetic = kernel.flops / peakFlops(gpu);
  const memory = kernel.bytes / gpu.bytesPerSecond;
  const seconds = Math.max(arithmetic, memory, LAUNCH_SECONDS);
  const bound = seconds === LAUNCH_SECONDS ? "launch" : arithmetic > memory ? "arithmetic" : "memory";
  return { seconds, bound };
}
