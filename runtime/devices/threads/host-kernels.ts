import type { HostKernel, KernelArguments } from "./inline-executor.js";
import type { WorkerCode } from "./kernel-worker.js";

/** Kernels of a program that threads of JavaScript run. */
export interface HostKernels {
  /** On the caller's thread, by number. */
  open(): readonly HostKernel[];
  /** What a worker makes them of: one of several. */
  codeOf(thread: number): WorkerCode;
  /** What they take for an array; default: the array. */
  readonly argumentOf?: KernelArguments;
  /** Operations and bytes that a thread does in a millisecond, about. */
  readonly perMillisecond: number;
}
