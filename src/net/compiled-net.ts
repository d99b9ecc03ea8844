import type { RunningNet, Trainable } from "../../runtime/net-types.js";
import type { NetDef } from "../net-text/net-def.js";

/** A compiled net. Its functions are closures: they can be taken apart from it. */
export interface CompiledNet extends RunningNet {
  /** The net it was compiled from: upgraded, with the layers of its phase. */
  readonly definition: NetDef;
}

/** A net with a solver's update rule compiled into its backward pass: what a solver drives. */
export interface TrainingNet extends CompiledNet, Trainable {}
