import type { ParamMemory } from "../device.js";
import type { LoadedProgram } from "../net/runner.js";

/** The programs of a build where its target runs, over one set of parameters, which are all 0 at first. */
export interface BuiltDevice {
  /** Parameters, then states of the update, by index. */
  readonly params: readonly ParamMemory[];
  /** A target may have several of each for different devices: these are the ones that run here. */
  readonly programs: readonly LoadedProgram[];
  close(): Promise<void>;
}
