/** Needs nothing of Node's: built nets run it in browsers too. */
import type { RealArray } from "../codegen/ir/real.js";

/** Several arrays as one, behind one another. */
export function joinValues(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Values that are brought in line with their places at once. */
const IN_LINE = 2 ** 13;
/** Bytes that engines copy at once into memory that threads share, where source and target lie alike within them. */
const WORD = 8;

/**
 * As `into.set(values)`, for much that goes into memory that threads share: engines copy byte by byte what lies otherwise
 * within its words there, as the numbers of a weight file may. In pieces that are brought in line first it takes half the
 * time.
 */
export function copyValues(into: RealArray | Int32Array, values: ArrayLike<number>): void {
  const both = into instanceof Float32Array && values instanceof Float32Array;
  if (!both || values.length < IN_LINE || (into.byteOffset - values.byteOffset) % WORD === 0) {
    into.set(values);
    return;
  }
  const ahead = into.byteOffset % WORD;
  const piece = new Float32Array(new ArrayBuffer(ahead + 4 * IN_LINE), ahead, IN_LINE);
  for (let from = 0; from < values.length; from += IN_LINE) {
    const some = values.subarray(from, from + IN_LINE);
    piece.set(some);
    into.set(piece.subarray(0, some.length), from);
  }
}
