import { NET_PASSES } from "../../../codegen/ir/graph.js";
import { rangeOf } from "../../../codegen/kernel/launch.js";
import type { Executor } from "../../device.js";
import { threadsRefused } from "../../thread-sharing.js";
import type { HostKernels, LaunchableProgram } from "./host-kernels.js";
import { type ArrayMemory, createInlineExecutor } from "./inline-executor.js";
import { createWorkerExecutor } from "./worker-executor.js";
import type { StartThread } from "./worker-job.js";

/** Milliseconds of one iteration from which on the event loop cannot have its turns between two. */
const LONG_ITERATION_MS = 8;
/** Milliseconds of a pass up to which more threads make it no shorter: starting them takes 100, and each of their meetings a part of one. */
const SMALL_MS = 5;

type Speed = Pick<HostKernels, "perMillisecond">;

/** Whether none of a program's passes is so long that threads would make it shorter. */
export const isSmall = (program: LaunchableProgram, { perMillisecond }: Speed): boolean =>
  NET_PASSES.every((pass) => {
    const work = program[pass].map((launch) => {
      const kernel = program.kernels[launch.kernel];
      const { from, to } = rangeOf(launch, kernel);
      return ((kernel.flops + kernel.bytes) * (to - from)) / Math.max(1, kernel.parallel.extent);
    });
    return work.reduce((sum, one) => sum + one, 0) <= SMALL_MS * perMillisecond;
  });

const holdsLoop = ({ kernels }: LaunchableProgram, { perMillisecond }: Speed): boolean =>
  kernels.some(
    ({ flops, bytes, parallel }) =>
      flops + bytes > LONG_ITERATION_MS * perMillisecond * Math.max(1, parallel.extent),
  );

/**
 * Whether a program runs in workers: on several threads, and on one where its kernels could not give way to the event loop
 * often enough, if a worker can share memory.
 */
export const takesWorkers = (program: LaunchableProgram, speed: Speed, threads: number): boolean =>
  threads > 1 || (holdsLoop(program, speed) && threadsRefused() === undefined);

/** Runs kernels in workers or, giving way to the event loop, on the caller's thread. */
export async function createHostExecutor(
  program: LaunchableProgram,
  memory: ArrayMemory,
  kernels: HostKernels,
  { threads, start }: { readonly threads: number; readonly start: StartThread },
): Promise<Executor> {
  return takesWorkers(program, kernels, threads)
    ? createWorkerExecutor(program, memory, kernels, { threads, start })
    : createCallerExecutor(program, memory, kernels);
}

/** Runs kernels on the caller's thread. */
export async function createCallerExecutor(
  program: LaunchableProgram,
  memory: ArrayMemory,
  kernels: HostKernels,
): Promise<Executor> {
  const extents = program.kernels.map(({ parallel }) => parallel.extent);
  return createInlineExecutor(program, await kernels.open(), extents, memory, kernels.argumentOf);
}
