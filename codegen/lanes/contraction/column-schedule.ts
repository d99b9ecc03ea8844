import { cut, tileCount } from "../../contraction/tiles.js";
import type { LanesDescription } from "../../ir/target-description.js";
import type { StepContext } from "../../lower/step.js";
import type { LaneProduct } from "./lane-product.js";
import { LINE_BYTES, turnsOf } from "./lane-tile.js";

/** How a product with columns in lanes is cut up. */
export interface ColumnSchedule {
  readonly lanes: number;
  /** Sums in registers: rows × vectors of columns. */
  readonly tile: { readonly rows: number; readonly vectors: number };
  /** Whether b is laid out for lanes: before all else, or a slice of depth by each iteration for itself. */
  readonly packed: "before" | "by iteration" | false;
  /** An iteration's rows, and tiles of columns side by side. */
  readonly rows: number;
  readonly panels: number;
  /** Products summed in one go; sums are kept in memory between. */
  readonly depth: number;
  /** Depth is summed in so many parts, by iterations of their own. */
  readonly parts: number;
  /** Elements of a line of the cache, where b comes from memory and a line for each row is asked for ahead. */
  readonly line?: number;
}

/** Tiles of rows from which on b is packed. */
const PACKED_TILES = 3;
/** Rows of b that are streamed side by side. */
const STREAMED = 16;
/** Columns of a stream: long enough to be fetched ahead. */
const STREAMED_COLUMNS = 1024;
/** Products of an iteration at least. */
const FEWEST_PRODUCTS = 2 ** 18;

export function chooseColumns(
  { target, options }: StepContext,
  { members, rows, columns, depth, b, turned }: LaneProduct,
  lanes: number,
  description: LanesDescription,
  inMemory: boolean,
): ColumnSchedule {
  const vectors = Math.ceil(columns / lanes);
  const tile = chooseTile(description, rows, vectors);
  const panels = tileCount(vectors, tile.vectors);
  const wanted = target.parallelIterations;
  const panelColumns = tile.vectors * lanes;
  const tilesDown = tileCount(rows, tile.rows);
  const { l1Bytes } = description;
  const panelDepth = Math.max(STREAMED, Math.floor(l1Bytes / 2 / (panelColumns * options.realBytes)));
  if (turned) {
    // Each row of a is read by one iteration, for all columns whose sums fit the second cache.
    const own = Math.ceil(rows / Math.ceil(wanted / members) / tile.rows) * tile.rows;
    const fit = Math.floor(description.l2Bytes / 4 / (own * panelColumns * options.realBytes));
    return {
      lanes,
      tile,
      packed: "before",
      rows: Math.min(rows, own),
      panels: Math.max(1, Math.min(panels, fit)),
      depth: Math.ceil(depth / Math.ceil(depth / panelDepth)),
      parts: 1,
    };
  }
  if (b.column === 1 && inMemory && tilesDown < PACKED_TILES) {
    // Sums are loaded and stored for every few rows of b: they fit the first cache.
    const sums = Math.floor((0.65 * l1Bytes) / options.realBytes / rows);
    const across = Math.max(1, Math.min(panels, Math.floor(Math.min(STREAMED_COLUMNS, sums) / panelColumns)));
    const iterations = members * tileCount(panels, across);
    const slices = Math.ceil(depth / STREAMED);
    // A part's sums are written and read again: a small share of what is read of b.
    const most = Math.max(1, Math.floor(Math.min(depth / (8 * rows), slices / 2)));
    const each = Math.ceil(slices / Math.max(1, Math.min(most, Math.ceil(wanted / iterations))));
    const parts = Math.ceil(slices / each);
    const far = columns * depth * options.realBytes > description.l2Bytes;
    const line = far ? { line: LINE_BYTES / options.realBytes } : {};
    if (parts > 1 || depth > 2 * STREAMED)
      return { lanes, tile, packed: false, rows, panels: across, depth: STREAMED, parts, ...line };
    return { lanes, tile, packed: false, rows, panels: across, depth, parts: 1 };
  }
  if (depth <= panelDepth) {
    // All of depth in registers: results are written row by row, so that memory sees long lines.
    const across = Math.max(1, Math.min(panels, Math.floor(STREAMED_COLUMNS / panelColumns)));
    const most = Math.ceil((rows * members * tileCount(panels, across)) / wanted / tile.rows) * tile.rows;
    const fewest = Math.ceil(FEWEST_PRODUCTS / (depth * across * panelColumns * tile.rows)) * tile.rows;
    const own = Math.min(tilesDown * tile.rows, Math.max(tile.rows, Math.min(most, 4 * fewest)));
    return { lanes, tile, packed: "before", rows: Math.min(rows, own), panels: across, depth, parts: 1 };
  }
  const tall = Math.min(rows, tile.rows * Math.max(1, Math.floor(96 / tile.rows)));
  const across = Math.max(1, Math.min(4, Math.floor((members * panels * tileCount(rows, tall)) / wanted)));
  const iterations = members * tileCount(panels, across) * tileCount(rows, tall);
  const slices = Math.ceil(depth / panelDepth);
  const even = Math.ceil(depth / slices);
  const parts = Math.max(1, Math.min(slices, Math.floor(wanted / 4 / iterations)));
  const each = Math.ceil(slices / parts);
  return {
    lanes,
    tile,
    packed: b.column === 1 && inMemory ? "by iteration" : "before",
    rows: tall,
    panels: across,
    depth: even,
    parts: Math.ceil(slices / each),
  };
}

/** The tile that covers rows × vectors in the fewest turns; the tallest such, since each tile of rows reads b anew. */
function chooseTile(
  { accumulators, registers }: LanesDescription,
  rows: number,
  vectors: number,
): ColumnSchedule["tile"] {
  let [best, least] = [{ rows: 1, vectors: 1 }, Number.POSITIVE_INFINITY];
  for (let high = Math.min(rows, accumulators); high >= 1; high--)
    for (
      let wide = 1;
      wide <= Math.min(vectors, accumulators / high) && high * wide + wide < registers;
      wide++
    ) {
      let turns = 0;
      for (const row of cut(rows, high))
        for (const block of cut(vectors, wide))
          turns += row.count * block.count * turnsOf(row.width, block.width);
      if (turns < least) [best, least] = [{ rows: high, vectors: wide }, turns];
    }
  return best;
}
