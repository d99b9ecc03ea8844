import type { Contraction } from "../../contraction/contraction.js";
import { elementStore, type Split } from "../../contraction/split-sum.js";
import { sizeOf } from "../../ir/graph.js";
import { add, compare, int, min, mul, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import { fma, load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import { describe, type LoweredKernel, type StepContext } from "../../lower/step.js";

/** A team for a few elements, whose threads share the sum: for few elements with long sums. */
export interface TeamShape {
  readonly threads: number;
  /** Elements of one team. */
  readonly rows: number;
  readonly columns: number;
}

const WARP = 32;

/**
 * Each thread sums every `threads`-th term for all of its team's elements; then the warps' lanes are added as a tree
 * (xor 16, 8, 4, 2, 1), and the warps' sums in order.
 */
export function lowerTeam(
  context: StepContext,
  contraction: Contraction,
  shape: TeamShape,
  split: Split,
): LoweredKernel {
  const draft = context.open();
  const { writer } = draft;
  const { batch, rows, columns } = contraction;
  const terms = sizeOf(contraction.depth);
  const [down, across] = [Math.ceil(rows / shape.rows), Math.ceil(columns / shape.columns)];
  const [part, member, m, n] = unflatten(writer.parallel(split.parts * batch * down * across), [
    split.parts,
    batch,
    down,
    across,
  ]).map((c) => writer.integer(c)) as [Index, Index, Index, Index];
  const thread = writer.team(shape.threads);
  const warps = shape.threads / WARP;
  const elements = shape.rows * shape.columns;
  const shared = writer.shared("accumulator", warps * elements);
  const open = contraction.open(draft, member);

  const indices = (first: Index, count: number): readonly Index[] =>
    Array.from({ length: count }, (_, i) => writer.integer(add(first, int(i))));
  const rowsHere = indices(mul(m, shape.rows), shape.rows);
  const columnsHere = indices(mul(n, shape.columns), shape.columns);
  const sums = rowsHere.map(() => columnsHere.map(() => writer.variable(ZERO_VALUE)));
  // Past the end the last row (column) is summed again, and not stored.
  const readA = rowsHere.map((row) => open.a(writer.integer(min(row, int(rows - 1)))));
  const readB = columnsHere.map((column) => open.b(writer.integer(min(column, int(columns - 1)))));
  const first = writer.integer(mul(part, split.slices));
  const last = writer.integer(min(add(first, int(split.slices)), int(terms)));
  writer.when(open.summed, () =>
    writer.loop(
      add(first, thread),
      last,
      (k) => {
        const a = readA.map((read) => writer.real(read(k, true)));
        const b = readB.map((read) => writer.real(read(k, true)));
        sums.forEach((line, i) => {
          line.forEach((sum, j) => {
            writer.assign(sum, fma(a[i], b[j], sum));
          });
        });
      },
      shape.threads,
    ),
  );
  for (let lanes = WARP / 2; lanes >= 1; lanes /= 2)
    for (const sum of sums.flat()) writer.assign(sum, plus(sum, { kind: "exchange", value: sum, lanes }));
  const [warp, lane] = unflatten(thread, [warps, WARP]) as [Index, Index];
  writer.when(compare("eq", lane, int(0)), () =>
    sums.flat().forEach((sum, i) => {
      writer.store(shared, add(mul(warp, elements), int(i)), sum);
    }),
  );
  writer.barrier();
  const store = elementStore(draft, contraction, split);
  writer.when(compare("lt", thread, int(elements)), () => {
    const [i, j] = unflatten(thread, [shape.rows, shape.columns]) as [Index, Index];
    const [row, column] = [
      writer.integer(add(mul(m, shape.rows), i)),
      writer.integer(add(mul(n, shape.columns), j)),
    ];
    const { coordinates, inside } = open.column(column)(row);
    const there = [compare("lt", row, int(rows)), compare("lt", column, int(columns)), inside];
    store({ part, member, row, column }, there, coordinates, () => {
      const sum = writer.variable(load(shared, thread));
      writer.loop(1, warps, (w) =>
        writer.assign(sum, plus(sum, load(shared, add(mul(w, elements), thread)))),
      );
      return sum;
    });
  });
  const note = `${describe(context.anchor, context.stores)}, ${shape.threads} threads for ${elements} elements`;
  return draft.close(contraction.flops, split.parts > 1 ? `${note} in ${split.parts} parts` : note);
}
