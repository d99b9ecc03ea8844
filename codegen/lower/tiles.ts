import { add, compare, int, mul } from "../kernel/indices.js";
import type { Index, Value } from "../kernel/kernel.js";
import { type KernelWriter, plus, times, ZERO_VALUE } from "../kernel/writer.js";

/** `count` tiles of `width`, the first at `start`. */
export interface TileRun {
  readonly start: number;
  readonly width: number;
  readonly count: number;
}

/** Cuts an extent into as few tiles of at most `preferred` as it takes, of nearly equal width: 13 by 4 is 4, 3, 3, 3. */
export function cut(extent: number, preferred: number): readonly TileRun[] {
  if (extent === 0) return [];
  const tiles = Math.ceil(extent / preferred);
  const width = Math.floor(extent / tiles);
  const wide = extent - width * tiles;
  const runs = [
    { start: 0, width: width + 1, count: wide },
    { start: wide * (width + 1), width, count: tiles - wide },
  ];
  return runs.filter((run) => run.count > 0);
}

/** Loops over the tiles of an extent; the body is written once for each width. */
export function forTiles(
  writer: KernelWriter,
  extent: number,
  preferred: number,
  body: (start: Index, width: number) => void,
): void {
  for (const run of cut(extent, preferred))
    writer.loop(0, run.count, (tile) => {
      body(writer.integer(add(mul(tile, run.width), int(run.start))), run.width);
    });
}

/** How many tiles `forTiles` walks. */
export const tileCount = (extent: number, preferred: number): number => Math.ceil(extent / preferred);

/** The body for tile number `tile` of those that `cut` gives. */
export function inTile(
  writer: KernelWriter,
  extent: number,
  preferred: number,
  tile: Index,
  body: (start: Index, width: number) => void,
): void {
  const runs = cut(extent, preferred);
  const [first, second] = runs;
  if (!first) return;
  const at = (run: TileRun, number: Index): void =>
    body(writer.integer(add(mul(number, run.width), int(run.start))), run.width);
  if (!second) {
    at(first, tile);
    return;
  }
  writer.when(
    compare("lt", tile, int(first.count)),
    () => at(first, tile),
    () => at({ ...second, start: second.start - first.count * second.width }, tile),
  );
}

/**
 * A block of rows × columns sums of products, kept in locals: `sum` walks what is summed over and hands each
 * position to the step, which gives the row and column factors there.
 */
export function accumulate(
  writer: KernelWriter,
  rows: number,
  columns: number,
  walk: (body: (position: Index) => void) => void,
  factors: (position: Index) => { rows: readonly Value[]; columns: readonly Value[] },
): readonly (readonly Value[])[] {
  const sums = Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => writer.variable(ZERO_VALUE)),
  );
  walk((position) => {
    const at = factors(position);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        writer.assign(sums[i][j], plus(sums[i][j], times(at.rows[i], at.columns[j])));
  });
  return sums;
}

/** 0 … count − 1. */
export const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
