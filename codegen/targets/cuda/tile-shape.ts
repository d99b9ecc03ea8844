/** A block's tile of the result, the depth of the slices it sums, and what of the tile one thread keeps in registers. */
export interface Tile {
  /** The unit that multiplies. Tensor cores will be another one. */
  readonly unit: "fma";
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly perThread: { readonly rows: number; readonly columns: number };
}

export const threadsOf = ({ rows, columns, perThread }: Tile): number =>
  (rows / perThread.rows) * (columns / perThread.columns);

/**
 * A row of a slice in shared memory with what follows it: threads that write neighbouring depths of one row then hit
 * different banks, and rows still begin at multiples of 16 bytes.
 */
export const padded = (extent: number): number => extent + 4;

/** Floats of shared memory: two slices of both operands; later the rows that are on their way out. */
export const sharedElements = (tile: Tile): number =>
  Math.max(
    2 * tile.depth * (padded(tile.rows) + padded(tile.columns)),
    (tile.rows / tile.perThread.rows) * tile.columns,
  );
