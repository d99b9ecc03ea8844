import { messageOf } from "../../../proto/words/trouble.js";
import type { Executor, LoadOptions } from "../../device.js";
import { warn } from "../../host-process.js";
import { createCallerExecutor, createHostExecutor } from "./host-executor.js";
import type { HostKernels, LaunchableProgram } from "./host-kernels.js";
import type { ArrayMemory } from "./inline-executor.js";
import { startWorker } from "./start-worker.js";

/**
 * A program's kernels on so many threads. Where none can be started (a page's policy may allow no workers) and nobody asked for
 * several, on the caller's, with a warning.
 */
export async function startExecutor(
  program: LaunchableProgram,
  memory: ArrayMemory,
  kernels: HostKernels,
  { threads, atMost }: Pick<LoadOptions, "threads" | "atMost">,
): Promise<Executor> {
  try {
    return await createHostExecutor(program, memory, kernels, { threads, start: startWorker });
  } catch (error) {
    if (threads > 1 && !atMost) throw error;
    warn("kernels run on the caller's thread alone, for no others could be started", messageOf(error));
    return createCallerExecutor(program, memory, kernels);
  }
}
