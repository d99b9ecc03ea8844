import { range } from "../../contraction/tiles.js";
import { add, addInt, mul } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { fma, type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";

/** An operand of a product as it lies in memory: where element 0 is, and how far the next ones lie. */
export interface Operand {
  readonly memory: Memory;
  readonly start: Index;
  /** From one element of what is summed over to the next. */
  readonly depth: number;
}

/**
 * Sums of products, in registers: rows × vectors, Σ left[row, d] · right[d, vector]. `left` has its rows `row` apart, one number
 * each; `right` has vectors side by side.
 */
export function productSums(
  writer: KernelWriter,
  { rows, vectors }: { readonly rows: number; readonly vectors: number },
  depth: number,
  left: Operand & { readonly row: number },
  right: Operand,
  { lanes, lane }: { readonly lanes: number; readonly lane: Index },
): readonly (readonly Value[])[] {
  const sums = range(rows).map(() => range(vectors).map(() => writer.variable(ZERO_VALUE)));
  writer.loop(0, depth, (d) => {
    const from = add(right.start, mul(d, right.depth));
    const factors = range(vectors).map((i) =>
      writer.real(load(right.memory, add(addInt(from, i * lanes), lane))),
    );
    sums.forEach((line, row) => {
      const at = addInt(add(left.start, mul(d, left.depth)), row * left.row);
      const factor = writer.real(load(left.memory, at));
      line.forEach((sum, i) => {
        writer.assign(sum, fma(factor, factors[i], sum));
      });
    });
  });
  return sums;
}
