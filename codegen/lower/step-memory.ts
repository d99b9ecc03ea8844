import type { Argument } from "../kernel/kernel.js";
import { aligned } from "../plan/arena.js";
import type { Workspace } from "./step.js";

/** Memory of a step that is no node's: its place is known when all steps have told what they need. */
export interface StepMemory {
  readonly storage: "step";
  readonly prepared: boolean;
  /** In bytes, from the start of the memory of its kind. */
  readonly from: number;
  readonly elements: number;
}

/**
 * What steps hand from kernel to kernel, behind the plan's own memory from byte `start` on: first what each keeps, then the
 * workspace, which all share: kernels run one after the other.
 */
export function createStepMemory(start: number, realBytes: number) {
  let kept = 0;
  let shared = 0;
  const sharedStart = (): number => start + kept;
  return {
    /** Opens the memory of one step. */
    forStep(): (operand: Workspace) => StepMemory {
      const base = kept;
      return ({ workspace, elements, prepared }) => {
        const bytes = (workspace + elements) * realBytes;
        if (prepared) kept = Math.max(kept, base + aligned(bytes));
        else shared = Math.max(shared, bytes);
        return {
          storage: "step",
          prepared,
          from: (prepared ? base : 0) + workspace * realBytes,
          elements,
        };
      };
    },
    /** The place, once all steps are known. */
    place: (argument: Argument | StepMemory): Argument =>
      argument.storage === "step"
        ? {
            storage: "arena",
            dtype: "real",
            byteOffset: (argument.prepared ? start : sharedStart()) + argument.from,
            elements: argument.elements,
          }
        : argument,
    /** Bytes up to the end of it; 0 where no step needs any. */
    bytes: (): number => (kept + shared > 0 ? sharedStart() + shared : 0),
  };
}
