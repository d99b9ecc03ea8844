import type { Text } from "../../kernel/dialect.js";
import type { Condition, Index, Kernel, Memory, Value, Variable } from "../../kernel/kernel.js";
import type { LaneShapes } from "../../lanes/lane-shapes.js";

/** Text of a real or a condition, of one lane for all or of all lanes. */
export interface Piece extends Text {
  readonly varies: boolean;
}

/** Lanes that take part in what is written: those of `text`, a vector; of the first `count` where that is known. */
export interface Mask {
  readonly text: string;
  readonly count?: number;
}

export interface ExpressionContext {
  readonly kernel: Kernel;
  readonly shapes: LaneShapes;
  readonly real: "float" | "double";
  nameOf(variable: Variable): string;
  /** Writes a line in front of the statement that is being written. */
  line(text: string): void;
  /** What `write` wrote in front, instead of writing it. */
  captured(write: () => void): readonly string[];
  fresh(): string;
}

/** Writes expressions; those that vary between lanes are vectors, and only lanes of the mask touch memory. */
export interface Expressions {
  /** An integer in lane 0. */
  whole(x: Index): Text;
  /** An integer in all lanes, as a vector. */
  wholes(x: Index, mask?: Mask): Text;
  real(x: Value, mask?: Mask): Piece;
  vector(x: Piece): Text;
  condition(x: Condition, mask?: Mask): Piece;
  /** The mask of a condition that varies, inside another one. */
  masked(x: Condition, mask: Mask | undefined): Mask;
  /** The lanes of `outer` for which the condition does not hold. */
  others(of: Mask, outer: Mask | undefined): Mask;
  pointer(buffer: Memory, at: Index): string;
}
