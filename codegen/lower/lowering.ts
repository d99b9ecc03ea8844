import type { Node, Op } from "../ir/graph.js";
import type { TargetDescription } from "../ir/target-description.js";
import type { Argument } from "../kernel/kernel.js";
import type { Plan, Step } from "../plan/plan.js";
import type { LoweredKernel, StepContext, StepOptions } from "./step.js";

/** How one step becomes kernels, which run one after the other. */
export type Lowering = (context: StepContext) => readonly LoweredKernel[];

/** By the operation of a step's anchor. What is never computed has none. */
export type Lowerings = Readonly<Record<Op, Lowering | undefined>>;

/** Neighbouring steps of one pass that become one kernel. */
export interface StepGroup {
  readonly steps: readonly Step[];
  /** Stored by these steps in the plan, read by them alone: handed on without going through memory. */
  readonly unread: ReadonlySet<Node>;
  /** @param steps those of the group, in order */
  lower(steps: readonly StepOptions[]): LoweredKernel;
}

export interface GroupOptions {
  readonly description: TargetDescription;
  readonly optionsOf: (step: Step) => StepOptions;
  readonly argumentOf: (node: Node) => Argument;
}

/** Which of a pass's steps are lowered together; all of them come back, in their order. */
export type GroupSteps = (
  plan: Plan,
  steps: readonly Step[],
  options: GroupOptions,
) => readonly (Step | StepGroup)[];
