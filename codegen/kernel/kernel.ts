import type { DType } from "../ir/graph.js";
import type { BinaryOp, CompareOp, ShapedOp, UnaryOp } from "../ir/scalar.js";

/**
 * The kernel language: loop nests over scalar expressions, shared by all targets. What is true of a loop nest
 * (fusion, tiling, unrolling, what runs in parallel) is decided before rendering; a renderer maps each form to
 * text and makes no choices.
 *
 * A kernel's outermost loop is `parallel`: its iterations write disjoint elements and carry nothing from one to
 * the next, so a runtime may split the range among threads without changing a bit of the result. Where a target has
 * teams (a GPU's blocks), several threads may carry out one iteration together: each runs the whole body with its own
 * number, and they meet at barriers.
 */
export interface Kernel {
  /** Arrays it works on, in the order of a launch's arguments. */
  readonly buffers: readonly KernelBuffer[];
  /** Memory private to whoever runs a range: what it holds before the prologue is not known. */
  readonly scratch: readonly ScratchBuffer[];
  /** Run once before a range of the parallel loop. Writes scratch only. */
  readonly prologue: readonly Statement[];
  readonly parallel: { readonly variable: Variable; readonly extent: number };
  /**
   * The threads of an iteration, told apart by `variable` (0 … threads − 1); absent: one, alone. Where a target renders
   * them as the lanes of a vector they are in step: each statement is carried out by all before the next, so what does
   * not depend on `variable` happens once, and a barrier is nothing.
   */
  readonly team?: { readonly variable: Variable; readonly threads: number };
  readonly body: readonly Statement[];
  /** What it computes, for people: operation and shapes; never text of a prototxt. */
  readonly note: string;
  /** Floating-point operations and bytes moved (each operand once), for reports and cost models. */
  readonly flops: number;
  readonly bytes: number;
}

export interface KernelBuffer {
  readonly dtype: DType;
  readonly elements: number;
  readonly access: "read" | "write" | "update";
}

/**
 * `accumulator`: the type sums are kept in (float64 on `ts`, float32 on `cuda`). `team`: the threads of an iteration
 * share it, and what one of them writes the others may read after a barrier; else it is each thread's own, and with
 * indices known when its loops are unrolled it lies in registers.
 */
export interface ScratchBuffer {
  readonly type: "accumulator" | "index";
  readonly elements: number;
  readonly team: boolean;
}

/** An integer loop variable or a local value, by number: names are the renderer's, made from counters. */
export type Variable = number;

/** What a load or store works on: `buffers[n]` where n ≥ 0, `scratch[−1 − n]` where n < 0. */
export type Memory = number;

/** Integer expressions over loop variables. Never negative where `idiv` or `imod` take them apart. */
export type Index =
  | { readonly kind: "int"; readonly value: number }
  /** Its value lies in `least … greatest`, both inclusive. */
  | {
      readonly kind: "var";
      readonly variable: Variable;
      readonly least: number;
      readonly greatest: number;
    }
  | {
      readonly kind: "iadd" | "isub" | "imul" | "idiv" | "imod" | "imin" | "imax";
      readonly a: Index;
      readonly b: Index;
    }
  /** An element of an index buffer. */
  | { readonly kind: "iload"; readonly buffer: Memory; readonly at: Index }
  /** The integer part of a real value. */
  | { readonly kind: "truncate"; readonly value: Value };

/** Real-valued expressions. */
export type Value =
  | { readonly kind: "const"; readonly value: number }
  | { readonly kind: "local"; readonly variable: Variable }
  | { readonly kind: "load"; readonly buffer: Memory; readonly at: Index }
  | { readonly kind: "fromIndex"; readonly index: Index }
  | { readonly kind: "unary"; readonly op: UnaryOp; readonly x: Value }
  | { readonly kind: "shaped"; readonly op: ShapedOp; readonly x: Value; readonly alpha: number }
  | { readonly kind: "binary"; readonly op: BinaryOp; readonly a: Value; readonly b: Value }
  /** a · b + c, rounded once. */
  | { readonly kind: "fma"; readonly a: Value; readonly b: Value; readonly c: Value }
  /**
   * The value that another thread of the warp has here: the one whose number differs in the bits of `lanes` (1, 2, 4,
   * 8 or 16). All 32 threads of the warp must come here together.
   */
  | { readonly kind: "exchange"; readonly value: Value; readonly lanes: number }
  | {
      readonly kind: "select";
      readonly cmp: CompareOp;
      readonly left: Value;
      readonly right: Value;
      readonly whenTrue: Value;
      readonly otherwise: Value;
    }
  /** `whenTrue` where the integer condition holds; `otherwise` is not evaluated there (guards a load). */
  | {
      readonly kind: "guard";
      readonly condition: Condition;
      readonly whenTrue: Value;
      readonly otherwise: Value;
    }
  /** Philox uniform in [0, 1) for (seed, stream, step, element). */
  | {
      readonly kind: "random";
      readonly seed: number;
      readonly stream: number;
      readonly step: Value;
      readonly element: Index;
    };

export type Condition =
  | { readonly kind: "compare"; readonly cmp: "lt" | "ge" | "eq"; readonly a: Index; readonly b: Index }
  | { readonly kind: "compareValue"; readonly cmp: CompareOp; readonly a: Value; readonly b: Value }
  | { readonly kind: "and"; readonly all: readonly Condition[] };

/** A value or an integer, told apart by the statement that holds it. */
export type Typed =
  | { readonly type: "real"; readonly value: Value }
  | { readonly type: "index"; readonly value: Index };

export type Statement =
  /**
   * for (variable = from; variable < to; variable += step). `unrolled`: written out by the target's compiler; `turns`: so many
   * turns between two tests for the end are, default one.
   */
  | {
      readonly kind: "for";
      readonly variable: Variable;
      readonly from: Index;
      readonly to: Index;
      readonly step: number;
      readonly unrolled: boolean;
      readonly turns?: number;
      readonly body: readonly Statement[];
    }
  | ({ readonly kind: "declare"; readonly variable: Variable; readonly mutable: boolean } & Typed)
  | ({ readonly kind: "assign"; readonly variable: Variable } & Typed)
  | ({ readonly kind: "store"; readonly buffer: Memory; readonly at: Index } & Typed)
  /** Reals side by side: values[i] at `at` + i. In lanes whose `at` lie apart, a block is stored the other way round. */
  | {
      readonly kind: "stores";
      readonly buffer: Memory;
      readonly at: Index;
      readonly values: readonly Value[];
    }
  | {
      readonly kind: "if";
      readonly condition: Condition;
      readonly whenTrue: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  /** A hint: this element and its neighbours are read soon. It may lie past the end of the buffer. */
  | { readonly kind: "prefetch"; readonly buffer: Memory; readonly at: Index }
  /** No thread of the team goes on before all have come here; what they stored until then is seen by all after it. */
  | { readonly kind: "barrier" };

/** Iterations of a kernel's parallel loop: from ≤ i < to. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** One kernel applied to memory: `args[i]` is where `kernel.buffers[i]` lies. */
export interface Launch {
  readonly kernel: number;
  /**
   * Absent: all of them. Kernels launched over parts can take turns at what fits in a cache. A GPU's kernels are
   * launched whole.
   */
  readonly range?: Range;
  readonly args: readonly Argument[];
  /** Indices of the plan's steps that it carries out, or a part of one: ascending. */
  readonly steps: readonly number[];
}

export type Argument =
  | {
      readonly storage: "arena";
      readonly dtype: DType;
      readonly byteOffset: number;
      readonly elements: number;
    }
  | {
      readonly storage: "param";
      readonly param: number;
      /** In elements. */
      readonly offset: number;
      readonly elements: number;
    };

/** A whole net as kernels: equal kernels are one; launches say where each works. */
export interface Program {
  readonly kernels: readonly Kernel[];
  /** Due before the next forward or backward when parameters have changed; mostly empty. */
  readonly prepare: readonly Launch[];
  readonly forward: readonly Launch[];
  readonly backward: readonly Launch[];
  /** Due in this order when a pass has run its launches: next values that could not be written in their place. */
  readonly copies: readonly Copy[];
  readonly arenaBytes: number;
}

/** `from` and `to` have as many elements, of one type, and do not overlap. */
export interface Copy {
  readonly pass: "forward" | "backward";
  readonly from: Argument;
  readonly to: Argument;
}
