import { emitModule } from "./emit.js";
import type { TargetParts } from "./target-parts.js";

const WORKER = new URL("../../runtime/devices/threads/kernel-worker.js", import.meta.url);

/**
 * The program of a kernel thread as text, of its source: what stands in net.js as a function would be another where somebody
 * bundles it.
 */
export const threadText = async (): Promise<string> =>
  `(() => {\n${await emitModule([WORKER])}\nreturn workerMain;\n})()`;

/** The option of `load` that says how many there are. @param usual how many there are where nobody says it */
export const threadsOption = (usual: string): TargetParts["options"][number] => ({
  name: "threads",
  type: "number",
  about: `Threads that run the kernels. Default: ${usual}.`,
});

/** Where they may not be able to share memory. */
export const THREADS_OPTION = threadsOption(
  "one for each core, where threads can share memory and make the net faster; else one",
);
