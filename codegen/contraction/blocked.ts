import { sizeOf } from "../ir/graph.js";
import type { TargetDescription } from "../ir/target-description.js";
import { add, addInt, unflatten } from "../kernel/indices.js";
import type { Index, Value } from "../kernel/kernel.js";
import { load, plus, ZERO_VALUE } from "../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../lower/step.js";
import { contractionOf, stridedContractionOf } from "./contraction-of.js";
import { lowerDirect } from "./direct.js";
import { type OpenOperand, openOperand } from "./operand-copy.js";
import { createSide, createWalk, dot, overShape, type TilePositions } from "./positions.js";
import { type Axes, type Kept, type StridedContraction, splitRows } from "./strided.js";
import { accumulate, range, tileCount } from "./tiles.js";

/** The schedule of one thread: a block of accumulators in locals, summed over all of depth. */
export interface Blocked {
  readonly kind: "blocked";
  readonly tile: TargetDescription["tile"];
  /**
   * What an iteration of the parallel loop does of one batch member: a tile of its rows or columns, or one of so many
   * equal parts of the rows' outermost axis.
   */
  readonly iteration: "rows" | "columns" | { readonly parts: number };
}

/** Products of matrices and convolutions in blocks; with little but padding, element by element where it lies. */
export function lowerBlocked(context: StepContext): readonly LoweredKernel[] {
  const contraction = stridedContractionOf(context);
  if (isMostlyPadding(contraction)) {
    const inPlace = contractionOf(context);
    return [lowerDirect(context, inPlace, { parts: 1, slices: inPlace.depth[0] })];
  }
  return [lowerInBlocks(context, contraction, chooseBlocks(contraction, context.target))];
}

/** Written out, padding may take so many times what it surrounds, and any padding so many elements. */
const MOST_PADDING = { times: 4, elements: 2 ** 18 };

/** A dilation of 9000 over 8 × 8 pixels would take 2.5 GB of zeros. */
function isMostlyPadding({ a, b, kept }: StridedContraction): boolean {
  const written = [a.copy, b.copy].flatMap((copy) =>
    copy ? [{ all: copy.planes * sizeOf(copy.padded), used: copy.planes * sizeOf(copy.input) }] : [],
  );
  if (kept) written.push({ all: kept.elements, used: sizeOf(kept.stored.shape) });
  return written.some(({ all, used }) => mostlyPadding(all, used));
}

/** Whether so many elements written out are too many for those that are used. */
export const mostlyPadding = (all: number, used: number): boolean =>
  all > MOST_PADDING.elements && all > MOST_PADDING.times * used;

/** Rows of a part, where it has an operand copied or clears results for itself: fewer would not pay for that. */
const LEAST_ROWS = 16;

/**
 * Tiles of the longer side give the most iterations. Where each would copy an operand or keep results, no more than what
 * the threads ask for; where images are summed in turns the rows are all there is to share.
 */
export function chooseBlocks(
  { a, b, batch, rows, columns, turns, kept }: StridedContraction,
  { tile, parallelIterations }: TargetDescription,
): Blocked {
  if (kept || a.copy || b.copy) {
    const least = turns.shape.length > 0 ? tile.rows : Math.ceil(LEAST_ROWS / sizeOf(rows.shape.slice(1)));
    const parts = partsOf(rows.shape[0], sizeOf(batch.shape), parallelIterations, least);
    return { kind: "blocked", tile, iteration: { parts } };
  }
  const [down, across] = [sizeOf(rows.shape), sizeOf(columns.shape)];
  // Columns of several axes are pixels: walked line by line they need no table.
  const byColumns =
    columns.shape.length === 1 && tileCount(across, tile.columns) >= tileCount(down, tile.rows);
  return { kind: "blocked", tile, iteration: byColumns ? "columns" : "rows" };
}

/** By a given schedule: kept results and copies want parts. */
export function lowerInBlocks(
  context: StepContext,
  whole: StridedContraction,
  { tile, iteration }: Blocked,
): LoweredKernel {
  const contraction = typeof iteration === "object" ? splitRows(whole, iteration.parts) : whole;
  const { batch, turns, kept } = contraction;
  const draft = context.open();
  const { writer } = draft;
  const operands = { a: openOperand(draft, contraction.a), b: openOperand(draft, contraction.b) };
  const rows = createSide(writer, contraction.rows, tile.rows);
  const columns = createSide(writer, contraction.columns, tile.columns);
  const sums = createBlock(draft, contraction, operands);

  const tiles = iteration === "rows" ? rows.tiles : iteration === "columns" ? columns.tiles : 1;
  const coordinates = unflatten(writer.parallel(sizeOf(batch.shape) * tiles), [...batch.shape, tiles]).map(
    (c) => writer.integer(c),
  );
  const number = coordinates[batch.shape.length];
  const from = startsOf(batch, coordinates);
  const overTiles = (body: (row: Rows, column: Columns) => void): void => {
    if (iteration === "columns")
      columns.inTile(number, (column) => rows.forTiles((row) => body(row, column)));
    else if (iteration === "rows")
      rows.inTile(number, (row) => columns.forTiles((column) => body(row, column)));
    else rows.forTiles((row) => columns.forTiles((column) => body(row, column)));
  };
  const store: Store = (at, value) =>
    draft.storeAt(unflatten(add(from.result, at), context.anchor.shape), { type: "real", value });
  const results = kept ? keptResults(draft, kept, store) : resultsAtOnce(store);

  results.begin();
  overShape(writer, turns.shape, (turn) => {
    const turned = startsOf(turns, turn);
    const here = { a: add(from.a, turned.a), b: add(from.b, turned.b) };
    operands.a.fill(here.a);
    operands.b.fill(here.b);
    overTiles((row, column) => sums(here, row, column, results.put));
  });
  results.end();
  return draft.close(contraction.flops);
}

type Rows = TilePositions<"a" | "result">;
type Columns = TilePositions<"b" | "result">;

/** Where a member of the axes starts in each view. */
const startsOf = <View extends string>(
  axes: Axes<View>,
  at: readonly Index[],
): Readonly<Record<View, Index>> =>
  Object.fromEntries(
    Object.entries<readonly number[]>(axes.strides).map(([view, strides]) => [view, dot(at, strides)]),
  ) as Record<View, Index>;

/** Writes the sums of a tile of rows and one of columns, and hands on each with the position of its result. */
function createBlock(
  { writer }: KernelDraft,
  { depth }: StridedContraction,
  { a, b }: { readonly a: OpenOperand; readonly b: OpenOperand },
) {
  const walk = createWalk(writer, depth);
  return (from: { readonly a: Index; readonly b: Index }, row: Rows, column: Columns, each: Store): void => {
    const startA = add(a.origin(from.a), row.base("a"));
    const startB = add(b.origin(from.b), column.base("b"));
    const offsetsA = range(row.width).map((i) => row.offset("a", i));
    const offsetsB = range(column.width).map((j) => column.offset("b", j));
    const sums = accumulate(writer, row.width, column.width, walk, (k) => {
      const [atA, atB] = [k("a", startA), k("b", startB)];
      return {
        rows: offsetsA.map((offset) => a.at(add(atA, offset))),
        columns: offsetsB.map((offset) => b.at(add(atB, offset))),
      };
    });
    const columnsAt = range(column.width).map((j) => add(column.base("result"), column.offset("result", j)));
    sums.forEach((line, i) => {
      const rowAt = add(row.base("result"), row.offset("result", i));
      line.forEach((sum, j) => {
        each(add(rowAt, columnsAt[j]), sum);
      });
    });
  };
}

/** What becomes of the sums of blocks in an iteration. */
interface Results {
  begin(): void;
  put(at: Index, sum: Value): void;
  end(): void;
}

type Store = (at: Index, value: Value) => void;

const resultsAtOnce = (put: Store): Results => ({ begin: () => undefined, put, end: () => undefined });

function keptResults({ writer }: KernelDraft, { elements, stored, start }: Kept, store: Store): Results {
  const memory = writer.scratch("accumulator", elements);
  const { kept, result } = stored.strides;
  return {
    begin: () => writer.loop(0, elements, (i) => writer.store(memory, i, ZERO_VALUE)),
    put: (at, sum) => writer.store(memory, at, plus(load(memory, at), sum)),
    end: () =>
      overShape(writer, stored.shape, (at) =>
        store(dot(at, result), load(memory, addInt(dot(at, kept), start))),
      ),
  };
}

/**
 * Into how many equal parts to cut `extent` so that there are at least `wanted` iterations with `others` already
 * there, each part no smaller than `least`.
 */
function partsOf(extent: number, others: number, wanted: number, least: number): number {
  let best = 1;
  for (let parts = 1; parts * least <= extent; parts++) {
    if (extent % parts !== 0) continue;
    best = parts;
    if (parts * others >= wanted) break;
  }
  return best;
}
