import { NET_PASSES } from "../../../codegen/ir/graph.js";
import { rangeOf } from "../../../codegen/kernel/launch.js";
import type { Executor } from "../../device.js";
import { threadsRefused } from "../../thread-sharing.js";
import type { HostKernels, LaunchableProgram } from "./host-kernels.js";
import { type ArrayMemory, createInlineExecutor } from "./inline-executor.js";
import { createWorkerExecutor } from "./worker-executor.js";

/** Milliseconds of one iteration from which on the event loop cannot have its turns between two. */
const LONG_ITERATION_MS = 8;
/** Milliseconds of a pass up to which more threads make it no shorter: starting them takes 100, and each of their meetings a part of one. */
const SMALL_MS = 5;

/** Whether none of a program's passes is so long that threads would make it shorter. */
export const isSmall = (
  program: LaunchableProgram,
  { perMillisecond }: Pick<HostKernels, "perMillisecond">,
): boolean =>
  NET_PASSES.every((pass) => {
    const work = program[pass].map((launch) => {
      const kernel = program.kernels[launch.kernel];
      const { from, to } = rangeOf(launch, kernel);
      return ((kernel.flops + kernel.bytes) * (to - from)) / Math.max(1, kernel.parallel.extent);
    });
    return work.reduce((sum, one) => sum + one, 0) <= SMALL_MS * perMillisecond;
  });

const holdsLoop = ({ kernels }: LaunchableProgram, { perMillisecond }: HostKernels): boolean =>
  kernels.some(
    ({ flops, bytes, parallel }) =>
      flops + bytes > LONG_ITERATION_MS * perMillisecond * Math.max(1, parallel.extent),
  );

/**
 * On one thread the kernels run on the caller's, giving way to the event loop; on several, in workers. Kernels that could
 * not give way often enough run in a worker also where it is the only one, if it can share memory.
 */
export async function createHostExecutor(
  program: LaunchableProgram,
  memory: ArrayMemory,
  kernels: HostKernels,
  threads: number,
): Promise<Executor> {
  if (threads > 1 || (holdsLoop(program, kernels) && threadsRefused() === undefined))
    return createWorkerExecutor(program, memory, kernels, threads);
  const extents = program.kernels.map(({ parallel }) => parallel.extent);
  return createInlineExecutor(program, await kernels.open(), extents, memory, kernels.argumentOf);
}
