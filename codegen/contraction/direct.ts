import { add, flatten, int, min, mul, unflatten } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import { fma, ZERO_VALUE } from "../kernel/writer.js";
import { describe, type LoweredKernel, type StepContext } from "../lower/step.js";
import type { Contraction } from "./contraction.js";
import { elementStore, type Split } from "./split-sum.js";

/** Axes of at most so many positions are written out. */
const UNROLLED = 8;

/** A thread for each element, which sums alone: for groups of few channels, and sums of few terms. */
export function lowerDirect(context: StepContext, contraction: Contraction, split: Split): LoweredKernel {
  const draft = context.open();
  const { writer } = draft;
  const { batch, rows, columns, depth } = contraction;
  const [part, member, row, column] = unflatten(writer.parallel(split.parts * batch * rows * columns), [
    split.parts,
    batch,
    rows,
    columns,
  ]).map((c) => writer.integer(c)) as [Index, Index, Index, Index];
  const open = contraction.open(draft, member);
  const { coordinates, inside } = open.column(column)(row);
  const sum = writer.variable(ZERO_VALUE);
  const [a, b] = [open.a(row), open.b(column)];
  const first = mul(part, split.slices);
  const last = min(add(first, int(split.slices)), int(depth[0]));
  const walk = (axis: number, outer: readonly Index[]): void => {
    if (axis === depth.length) {
      const k = flatten(outer, depth);
      writer.assign(sum, fma(a(k, true), b(k, true), sum));
    } else if (axis === 0) writer.loop(first, last, (v) => walk(1, [v]));
    else {
      const inner = (v: Index): void => walk(axis + 1, [...outer, v]);
      if (depth[axis] <= UNROLLED) writer.unrolled(depth[axis], inner);
      else writer.loop(0, depth[axis], inner);
    }
  };
  writer.when(open.summed, () => walk(0, []));
  elementStore(draft, contraction, split)({ part, member, row, column }, [inside], coordinates, () => sum);
  const note = `${describe(context.anchor, context.stores)}, an element a thread`;
  return draft.close(contraction.flops, split.parts > 1 ? `${note} in ${split.parts} parts` : note);
}
