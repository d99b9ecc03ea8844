import type { Text } from "../../kernel/dialect.js";
import type { Index, Kernel, Memory, Variable } from "../../kernel/kernel.js";
import type { LaneExpressions } from "../../lanes/lane-renderer.js";
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

/** Writes expressions as text. */
export interface Expressions extends LaneExpressions<Text, Piece, Mask> {
  pointer(buffer: Memory, at: Index): string;
}
