import type { TargetParts } from "./target-parts.js";

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
