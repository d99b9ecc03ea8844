import type { RealType } from "../ir/real.js";
import type { TargetDescription } from "../ir/target-description.js";
import type { Kernel, Program } from "../kernel/kernel.js";
import type { GroupSteps, Lowerings } from "../lower/lowering.js";
import type { Pass } from "../passes/index.js";

/** A stage of a target's own between lowering and rendering: each kernel to an equal one. */
export interface KernelPass {
  readonly name: string;
  readonly about: string;
  readonly run: (kernel: Kernel, description: TargetDescription) => Kernel;
}

/** One piece of generated source: a translation unit. */
export interface SourceUnit {
  /** The name of what the source defines. */
  readonly symbol: string;
  readonly source: string;
}

/** A program as source. */
export interface Rendered {
  /** All of it, as a person reads it. */
  readonly text: string;
  /** What is compiled: one unit of the whole, or one for each kernel in the order of their numbers. */
  readonly units: readonly SourceUnit[];
  /** What stands once in front of units that are compiled together. */
  readonly preamble?: string;
}

/**
 * All that the compiler knows of a target. A new target is a folder with one of these, and a line in `TARGETS`; what
 * runs its programs is a device of the runtime.
 */
export interface Target<Name extends string = string> {
  readonly name: Name;
  /** What it is, in a few words, for help texts. */
  readonly about: string;
  /** Real types that its kernels compute in, the usual one first. */
  readonly dtypes: readonly RealType[];
  /** Whether processors of several architectures run its kernels: `describe` then tells them apart. */
  readonly architectures: boolean;
  /**
   * What kernels are lowered by.
   *
   * @param architecture for targets that have several ("sm_90"); default: one that all of its devices run
   */
  describe(architecture?: string): TargetDescription;
  /** Of the graph, after those that every target has; they read the description. */
  readonly passes: readonly Pass[];
  readonly lowerings: Lowerings;
  readonly groupSteps?: GroupSteps;
  readonly kernelPasses: readonly KernelPass[];
  /** Bytes that each thread of this machine takes for a program's kernels beside its arena; 0 where a GPU has them. */
  scratchBytes(program: Program): number;
  /**
   * A table from the kernel language to text: it makes no choices. The same program gives the same text.
   *
   * @param description what the kernels were lowered for; default: the target's own choice
   */
  render(program: Program, dtype: RealType, description?: TargetDescription): Rendered;
}
