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

/** What all tiles cost, where one of a width costs so much. */
export const sumOver = (runs: readonly TileRun[], cost: (width: number) => number): number =>
  runs.reduce((sum, { width, count }) => sum + count * cost(width), 0);

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
  const [first, second] = cut(extent, preferred);
  if (!first) return;
  const at = ({ width }: TileRun, start: number): void =>
    body(writer.integer(add(mul(tile, width), int(start)), 0, extent - width), width);
  if (!second) {
    at(first, first.start);
    return;
  }
  writer.when(
    compare("lt", tile, int(first.count)),
    () => at(first, first.start),
    () => at(second, second.start - first.count * second.width),
  );
}

/**
 * A block of rows × columns sums of products, kept in locals: `walk` goes over what is summed over and hands each
 * position to `factors`, which gives the row and column factors there.
 */
export function accumulate<Position>(
  writer: KernelWriter,
  rows: number,
  columns: number,
  walk: (body: (position: Position) => void) => void,
  factors: (position: Position) => { rows: readonly Value[]; columns: readonly Value[] },
): readonly (readonly Value[])[] {
  const sums = range(rows).map(() => range(columns).map(() => writer.variable(ZERO_VALUE)));
  walk((position) => {
    const at = factors(position);
    sums.forEach((line, i) => {
      line.forEach((sum, j) => {
        writer.assign(sum, plus(sum, times(at.rows[i], at.columns[j])));
      });
    });
  });
  return sums;
}

/** 0 … count − 1. */
export const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
