import type { Contraction, OpenContraction, Reader } from "../../contraction/contraction.js";
import { elementStore, type Split } from "../../contraction/split-sum.js";
import { range } from "../../contraction/tiles.js";
import { sizeOf } from "../../ir/graph.js";
import {
  add,
  addInt,
  compare,
  div,
  gcd,
  int,
  keyOf,
  min,
  mod,
  mul,
  sub,
  unflatten,
  ZERO,
} from "../../kernel/indices.js";
import type { Condition, Index, Memory } from "../../kernel/kernel.js";
import { fma, type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { describe } from "../../lower/step.js";
import { padded, sharedElements, type Tile, threadsOf } from "./tile-shape.js";

/**
 * A tile of the result for each block. A and B come through shared memory in slices of `tile.depth`, both laid with
 * rows (columns) side by side; while one slice is summed, the next is on its way from global memory to registers,
 * and goes to the other half of the shared array before the one barrier of a slice. Every thread keeps
 * `perThread` sums in registers: rows and columns in chunks of 4, so that a chunk is one 128-bit load.
 */
export function lowerTiled(
  context: StepContext,
  contraction: Contraction,
  tile: Tile,
  split: Split,
): LoweredKernel {
  const draft = context.open();
  const { writer } = draft;
  const { batch, rows, columns } = contraction;
  const [down, across] = [Math.ceil(rows / tile.rows), Math.ceil(columns / tile.columns)];
  const threads = threadsOf(tile);
  // Blocks that run at the same time share what they read: the shorter side of the grid varies fastest.
  const grid = down <= across ? [split.parts, batch, across, down] : [split.parts, batch, down, across];
  const place = unflatten(writer.parallel(split.parts * batch * down * across), grid).map((c) =>
    writer.integer(c),
  );
  const [part, member] = place;
  const [m, n] = down <= across ? [place[3], place[2]] : [place[2], place[3]];
  const thread = writer.team(threads);

  const shared = writer.shared("accumulator", sharedElements(tile));
  const sums = writer.scratch("accumulator", tile.perThread.rows * tile.perThread.columns);
  const open = contraction.open(draft, member);
  const firstRow = writer.integer(mul(m, tile.rows));
  const firstColumn = writer.integer(mul(n, tile.columns));

  const { perThread } = tile;
  const threadColumns = tile.columns / perThread.columns;
  const [y, x] = [writer.integer(div(thread, threadColumns)), writer.integer(mod(thread, threadColumns))];

  writer.unrolled(perThread.rows * perThread.columns, (i) => writer.store(sums, i, ZERO_VALUE));
  const walk = (): void =>
    sumSlices(draft, contraction, tile, split, {
      open,
      part,
      thread,
      shared,
      sums,
      y,
      x,
      firstRow,
      firstColumn,
    });
  writer.when(open.summed, walk);
  storeTile(draft, contraction, tile, split, {
    open,
    part,
    member,
    thread,
    shared,
    sums,
    y,
    x,
    firstRow,
    firstColumn,
  });
  const note = `${describe(context.anchor, context.stores)}, tiles of ${tile.rows}×${tile.columns}×${tile.depth}`;
  return draft.close(contraction.flops, split.parts > 1 ? `${note} in ${split.parts} parts` : note);
}

interface Block {
  readonly open: OpenContraction;
  readonly part: Index;
  readonly thread: Index;
  readonly shared: Memory;
  readonly sums: Memory;
  /** The thread's place in the tile, in chunks. */
  readonly y: Index;
  readonly x: Index;
  readonly firstRow: Index;
  readonly firstColumn: Index;
}

/** A thread's share of one operand's slices. */
interface Loader {
  /** Reads the elements of the slice that starts at a depth into registers. */
  fetch(depth: Index): void;
  /** Writes them to shared memory, from `at` on. */
  commit(at: Index): void;
}

function sumSlices(
  draft: KernelDraft,
  contraction: Contraction,
  tile: Tile,
  split: Split,
  block: Block,
): void {
  const { writer } = draft;
  const { open, thread, shared } = block;
  const depth = sizeOf(contraction.depth);
  const slices = Math.ceil(depth / tile.depth);
  const [pitchA, pitchB] = [padded(tile.rows), padded(tile.columns)];
  const sizeA = tile.depth * pitchA;
  const half = sizeA + tile.depth * pitchB;

  const loaderOf = (
    contiguous: "depth" | "outer",
    extent: number,
    first: Index,
    limit: number,
    pitch: number,
    reader: (outer: Index) => Reader,
  ): Loader => {
    const total = extent * tile.depth;
    const count = Math.ceil(total / threadsOf(tile));
    const staged = writer.scratch("accumulator", count);
    /** Neighbouring threads often read for the same row: its reader is then one. */
    const readers = new Map<string, Reader>();
    const elements = range(count).map((j) => {
      const element = addInt(thread, j * threadsOf(tile));
      const active = compare("lt", element, int(total));
      const own = active === true ? element : min(element, int(total - 1));
      const [outer, k] =
        contiguous === "depth"
          ? unflatten(own, [extent, tile.depth])
          : (unflatten(own, [tile.depth, extent]).toReversed() as [Index, Index]);
      // Rows past the end repeat the last one: what is summed of them is never stored.
      const row = min(add(first, outer), int(limit - 1));
      const read = readers.get(keyOf(row)) ?? reader(writer.integer(row));
      readers.set(keyOf(row), read);
      return { active, read, k: writer.integer(k), slot: writer.integer(add(mul(k, pitch), outer)) };
    });
    return {
      fetch(start) {
        elements.forEach(({ read, k }, j) => {
          const at = add(start, k);
          writer.store(staged, int(j), read(at, compare("lt", at, int(depth))));
        });
      },
      commit(at) {
        elements.forEach(({ active, slot }, j) => {
          writer.when(active, () => writer.store(shared, add(slot, at), load(staged, int(j))));
        });
      },
    };
  };
  const a = loaderOf(contraction.a.contiguous, tile.rows, block.firstRow, contraction.rows, pitchA, open.a);
  const b = loaderOf(
    contraction.b.contiguous,
    tile.columns,
    block.firstColumn,
    contraction.columns,
    pitchB,
    open.b,
  );

  const firstSlice = writer.integer(mul(block.part, split.slices), 0, slices - 1);
  const count = writer.integer(min(int(split.slices), sub(int(slices), firstSlice)));
  const fetch = (slice: Index): void => {
    // A product, not a local: a slice of whole channels then leaves nothing to compute of the taps.
    const start = mul(slice, tile.depth);
    a.fetch(start);
    b.fetch(start);
  };
  const commit = (at: Index): void => {
    a.commit(at);
    b.commit(addInt(at, sizeA));
  };
  fetch(firstSlice);
  commit(ZERO);
  writer.barrier();
  const multiply = multiplier(writer, tile, block, pitchA, pitchB);
  writer.loop(0, count, (s) => {
    const here = writer.integer(mul(mod(s, 2), half), 0, half);
    const next = addInt(s, 1);
    const more: Condition | boolean = compare("lt", next, count);
    writer.when(more, () => fetch(writer.integer(add(firstSlice, next), 0, slices - 1)));
    multiply(here, addInt(here, sizeA));
    writer.when(more, () => commit(sub(int(half), here)));
    writer.barrier();
  });
}

/** Adds the products of the slices that lie at two places of shared memory. */
function multiplier(
  writer: KernelWriter,
  tile: Tile,
  { shared, sums, y, x }: Block,
  pitchA: number,
  pitchB: number,
): (atA: Index, atB: Index) => void {
  const { rows, columns } = tile.perThread;
  const fragmentA = writer.scratch("accumulator", rows);
  const fragmentB = writer.scratch("accumulator", columns);
  const take = (into: Memory, count: number, extent: number, from: Index): void => {
    const chunk = Math.min(count, CHUNK);
    writer.unrolled(count / chunk, (q) =>
      writer.unrolled(chunk, (r) =>
        writer.store(
          into,
          add(mul(q, chunk), r),
          load(shared, add(add(from, mul(q, (extent / count) * chunk)), r)),
        ),
      ),
    );
  };
  return (atA, atB) => {
    const fromA = writer.integer(add(atA, mul(y, Math.min(rows, CHUNK))));
    const fromB = writer.integer(add(atB, mul(x, Math.min(columns, CHUNK))));
    writer.unrolled(tile.depth, (k) => {
      take(fragmentA, rows, tile.rows, add(fromA, mul(k, pitchA)));
      take(fragmentB, columns, tile.columns, add(fromB, mul(k, pitchB)));
      writer.unrolled(rows, (i) =>
        writer.unrolled(columns, (j) => {
          const at = add(mul(i, columns), j);
          writer.store(sums, at, fma(load(fragmentA, i), load(fragmentB, j), load(sums, at)));
        }),
      );
    });
  };
}

/** Neighbouring rows (columns) that a thread takes together: four floats are one load. */
const CHUNK = 4;

/**
 * Brings the sums to where they belong, one row of each thread at a time through shared memory: neighbouring threads
 * then store neighbouring columns, and the epilogue's text stands in a loop instead of being written out for each sum.
 */
function storeTile(
  draft: KernelDraft,
  contraction: Contraction,
  tile: Tile,
  split: Split,
  {
    open,
    part,
    member,
    thread,
    shared,
    sums,
    y,
    x,
    firstRow,
    firstColumn,
  }: Block & { readonly member: Index },
): void {
  const { writer } = draft;
  const { perThread } = tile;
  const threads = threadsOf(tile);
  const threadRows = tile.rows / perThread.rows;
  const threadColumns = tile.columns / perThread.columns;
  const chunkRows = Math.min(perThread.rows, CHUNK);
  const chunkColumns = Math.min(perThread.columns, CHUNK);
  const stage = writer.integer(add(mul(y, tile.columns), mul(x, chunkColumns)));
  /** Threads that share a row when they store, and the rows that are stored at once. */
  const width = gcd(threads, tile.columns);
  const height = threads / width;
  const lane = writer.integer(mod(thread, width));
  const line = writer.integer(div(thread, width));
  const places = range(tile.columns / width).map((turn) => {
    const within = addInt(lane, turn * width);
    const column = writer.integer(add(firstColumn, within));
    return { within, column, at: open.column(column) };
  });
  const store = elementStore(draft, contraction, split);
  writer.unrolled(perThread.rows / chunkRows, (q) =>
    writer.unrolled(chunkRows, (r) => {
      const own = add(mul(q, chunkRows), r);
      writer.unrolled(perThread.columns / chunkColumns, (h) =>
        writer.unrolled(chunkColumns, (v) =>
          writer.store(
            shared,
            add(stage, add(mul(h, threadColumns * chunkColumns), v)),
            load(sums, add(mul(own, perThread.columns), add(mul(h, chunkColumns), v))),
          ),
        ),
      );
      writer.barrier();
      writer.loop(0, Math.ceil(threadRows / height), (s) => {
        const stagedRow = writer.integer(add(mul(s, height), line), 0, threadRows - 1);
        const row = writer.integer(
          add(firstRow, add(mul(stagedRow, chunkRows), add(mul(q, threadRows * chunkRows), r))),
        );
        for (const { within, column, at } of places) {
          const { coordinates, inside } = at(row);
          const there = [
            compare("lt", row, int(contraction.rows)),
            compare("lt", column, int(contraction.columns)),
            inside,
          ];
          store({ part, member, row, column }, there, coordinates, () =>
            load(shared, add(mul(stagedRow, tile.columns), within)),
          );
        }
      });
      writer.barrier();
    }),
  );
}
