import type { DType, Graph, NetPass, Node } from "../ir/graph.js";

export type { NetPass } from "../ir/graph.js";

/**
 * One loop nest to run: an anchor (the node that sets the loops) with the element-wise nodes fused into it.
 * A node in `inlined` is computed where it is read and never lies in memory on this step's account; a node may
 * be inlined into several steps. Every other operand of what the step computes is in `reads`.
 *
 * What is stored is the anchor; or maps of the anchor at its own coordinates (its epilogue, up to a reshape);
 * or, beside a windowMax, the windowArgmax of the same input and window. An anchor that is not in `stores` is
 * never in memory.
 *
 * What the planner counts on, because a store may share memory with a value that the step reads at the same
 * element: each element of a store is written once, with its final value (memory of a store is no scratch pad),
 * and all stores of an element are computed before the first of them is written.
 */
export interface Step {
  /** Position on the one time line, pass by pass. */
  readonly index: number;
  readonly pass: NetPass;
  readonly anchor: Node;
  /** All of one size, by ascending id. */
  readonly stores: readonly Node[];
  /** Constants among them; and views (reshape, contiguous slice) of what is computed here. */
  readonly inlined: ReadonlySet<Node>;
  /** Nodes in memory that this step loads, by ascending id: as its operands name them, so possibly views. */
  readonly reads: readonly Node[];
}

/** A stretch of the arena, shared by values whose lifetimes do not overlap or that alias in place. */
export interface Region {
  readonly id: number;
  readonly dtype: DType;
  readonly elements: number;
  /** Byte offset in the arena, a multiple of 256. */
  readonly offset: number;
  readonly bytes: number;
  /** Steps during which its content matters, both inclusive; −1 is before the first step. */
  readonly first: number;
  readonly last: number;
  /** Values that live here, in the order they are written: each over the one before it, in place. */
  readonly holds: readonly Node[];
}

/** Where a node's value lies. Views (reshape, contiguous slice) share their source's region. */
export type Placement =
  | { readonly storage: "arena"; readonly region: Region /** In elements. */; readonly offset: number }
  | { readonly storage: "param"; readonly param: number; readonly offset: number };

/** Why two values share memory, or why not. */
export interface AliasDecision {
  /** The value written. */
  readonly value: Node;
  /** The value whose memory it takes, or would have taken. */
  readonly over: Node;
  readonly step: number;
  readonly made: boolean;
  /** For people: "relu1 overwrites conv1: its last reader"; "refused: pool1 reads conv1 later, in backward". */
  readonly reason: string;
}

/** The schedules and the memory of one graph: everything the code generators need, nothing about any target. */
export interface Plan {
  readonly graph: Graph;
  readonly steps: readonly Step[];
  /** The first forward step: those before it prepare what depends on parameters alone. */
  readonly firstForward: number;
  /** The first backward step; the number of steps where there is none. */
  readonly firstBackward: number;
  readonly placements: ReadonlyMap<Node, Placement>;
  readonly regions: readonly Region[];
  readonly aliases: readonly AliasDecision[];
  /** Copies due when a pass ends: a parameter's next value that could not be written in its place. */
  readonly copies: readonly {
    readonly pass: "forward" | "backward";
    readonly from: Node;
    readonly param: number;
  }[];
  readonly arenaBytes: number;
  /** The same values, each in memory of its own (and aligned alike). */
  readonly unsharedBytes: number;
  /**
   * The step at which the most bytes are live, and the values that are live then, largest first. No arrangement
   * takes less than these bytes.
   */
  readonly peak: { readonly step: number; readonly bytes: number; readonly live: readonly Node[] };
}

/** What a planner is asked for beside the graph. */
export interface PlanOptions {
  /** Bytes of a `real`: 4 for float32, 8 for float64. An `index` is always 4. */
  readonly realBytes: 4 | 8;
  /** Off: every node that is not a view is a step of its own (fused must equal unfused). Default on. */
  readonly fuse?: boolean;
  /** Off: no memory is shared by two values, in place or in turn (shared must equal unshared, to the bit). Default on. */
  readonly alias?: boolean;
  /**
   * On: backward may run several times after one forward (another diff each time), so nothing that it reads from
   * forward is overwritten. Default off: memory that backward has read may be reused, and a second backward
   * needs a forward before it.
   */
  readonly repeatBackward?: boolean;
}
