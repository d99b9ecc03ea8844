import { add, sub } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import type { KernelWriter } from "../../kernel/writer.js";

/**
 * Products written out one after the other: all of a short row, whose end would cost as much as two of its turns, since it is
 * not foreseen; of a long one less, which takes less to compile.
 */
const MOST_WRITTEN = { row: 320, share: 96 };

/** Loops over a row, each of its elements giving so many products. */
export function overRow(
  writer: KernelWriter,
  [from, to]: readonly [Index, Index],
  products: number,
  body: (at: Index) => void,
): void {
  const length = sub(to, from);
  const each = length.kind === "int" ? writtenOut(length.value, products) : 1;
  if (each === 1) writer.loop(from, to, body);
  else writer.loop(from, to, (start) => writer.unrolled(each, (v) => body(add(start, v))), each);
}

/** How many elements of a row are written out: all, or equal shares; 1 where no such cut is even. */
function writtenOut(length: number, products: number): number {
  if (length * products <= MOST_WRITTEN.row) return length;
  const most = Math.floor(MOST_WRITTEN.share / products);
  for (let each = most; each > most / 4; each--) if (length % each === 0) return each;
  return 1;
}
