import type { Launchable } from "../../../codegen/kernel/launch.js";
import type { Schedule } from "../../net/program-table.js";
import type { HostKernel, KernelArguments } from "./inline-executor.js";
import type { WorkerCode } from "./worker-job.js";

/** What is run, and what is known of its kernels. */
export interface LaunchableProgram extends Schedule {
  readonly kernels: readonly Launchable[];
}

/** Kernels of a program that threads of JavaScript run. */
export interface HostKernels {
  /** On the caller's thread, by number. */
  open(): readonly HostKernel[] | Promise<readonly HostKernel[]>;
  /** What a worker makes them of: one of several. */
  codeOf(thread: number): WorkerCode;
  /** What they take for an array; default: the array. */
  readonly argumentOf?: KernelArguments;
  /** Operations and bytes that a thread does in a millisecond, about. */
  readonly perMillisecond: number;
}
