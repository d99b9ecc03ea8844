import type { Shape } from "../ir/graph.js";
import type { Condition, Index, Value } from "../kernel/kernel.js";
import type { KernelDraft } from "../lower/step.js";

/**
 * C[batch, row, column] = Σ over depth of A[batch, row, depth] · B[batch, depth, column]: what matmul and the three
 * convolutions have in common. Operands are functions that write the reading of one element, so nothing is ever laid
 * out in memory for the product's sake (no im2col). `StridedContraction` is the same product for loops of one thread.
 */
export interface Contraction {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  /** The axes summed over, outermost first. */
  readonly depth: Shape;
  readonly a: Operand;
  readonly b: Operand;
  /** Multiplications and additions that the result needs; a kernel may do more, on zeros. */
  readonly flops: number;
  /** Share of the batch members that have anything to sum. */
  readonly share: number;
  /** Starts the work on one batch member in a kernel. */
  open(draft: KernelDraft, batch: Index): OpenContraction;
}

export interface Operand {
  /** What lies side by side in memory: elements of neighbouring depth, or of neighbouring rows (columns). */
  readonly contiguous: "depth" | "outer";
  /** Elements in memory, for the cost model. */
  readonly elements: number;
  /** Instructions that reading one element takes where depth advances by tiles of so many; for the cost model. */
  readonly instructions: (tileDepth: number) => number;
  /** The same where the axes of depth are walked one by one. */
  readonly walked: number;
}

/** Writes the value at a depth, zero where `within` does not hold. */
export type Reader = (depth: Index, within: Condition | boolean) => Value;

export interface OpenContraction {
  /** Whether this batch member has anything to sum; the same for all of its elements. */
  readonly summed: Condition | boolean;
  /** The reader of a row (a column): what does not depend on depth is computed where this is called. */
  a(row: Index): Reader;
  b(column: Index): Reader;
  /** Where an element of a column belongs. */
  column(column: Index): (row: Index) => Place;
}

export interface Place {
  readonly coordinates: readonly Index[];
  /** Whether there is such an element. */
  readonly inside: Condition | boolean;
}
