import type { Condition, Index, Value } from "../kernel/kernel.js";

/**
 * What every renderer of kernels in lanes writes of expressions. Those that vary between lanes are vectors, and only lanes of
 * the mask touch memory.
 *
 * `Code`: what is written; `Piece`: that of a real or a condition, which tells whether it varies; `Mask`: lanes that take part.
 */
export interface LaneExpressions<Code, Piece, Mask> {
  /** An integer in lane 0. */
  whole(x: Index): Code;
  /** An integer in all lanes, as a vector. */
  wholes(x: Index, mask?: Mask): Code;
  real(x: Value, mask?: Mask): Piece;
  vector(x: Piece): Code;
  condition(x: Condition, mask?: Mask): Piece;
  /** The mask of a condition that varies, inside another one. */
  masked(x: Condition, mask: Mask | undefined): Mask;
  /** The lanes of `outer` for which the condition does not hold. */
  others(of: Mask, outer: Mask | undefined): Mask;
}
