import { cut, range, sumOver } from "../../contraction/tiles.js";
import { sizeOf } from "../../ir/graph.js";
import type { LanesDescription } from "../../ir/target-description.js";
import type { Correlation, Line } from "./correlation.js";
import { IN_FLIGHT, UNALIGNED } from "./lane-tile.js";

/** A register tile with pixels in the lanes: so many channels of the result × rows × vectors of a row. */
export interface PixelTile {
  readonly channels: number;
  readonly rows: number;
  readonly vectors: number;
}

/** What a tile takes besides its products, in FMAs: itself, and each of its sums to be set to zero and stored. */
const TILE_TURNS = 16;
const SUM_TURNS = 3;
/** What vectors take longer that come from the second cache. */
const FAR = 2;
/** Each form of a tile is a text of its own to compile, and to keep in the cache of instructions. */
const FORM = 0.01;
const MOST_CHANNELS = 12;
const MOST_ROWS = 4;
const MOST_VECTORS = 6;
/** Products of one column of taps, where rows share what they read: all are written out. */
const MOST_SHARED = 160;

/** The tile that takes least time, and that time for one image and group: in FMAs of one vector. */
export function choosePixelTile(
  { accumulators, registers, l1Bytes }: LanesDescription,
  of: Pick<Correlation, "channels" | "results" | "outer" | "source">,
  line: Line,
  lanes: number,
  realBytes: number,
): { readonly tile: PixelTile; readonly turns: number } {
  const { channels, results } = of;
  const rowLine = of.outer[of.outer.length - 1];
  const planes = sizeOf(of.outer.slice(0, -1).map(({ count }) => count));
  const columns = [...of.outer.slice(0, -1), line].reduce((all, { taps }) => all * taps.count, channels);
  const rowTaps = rowLine.taps.count;
  const vectors = Math.ceil(line.count / lanes);
  const reach = line.count * line.source.step;
  const patch = ((columns / line.taps.count) * rowTaps + 1) * reach * realBytes;
  const loading = UNALIGNED * (patch > l1Bytes ? FAR : 1);
  const turnsOf = (c: number, r: number, v: number): number => {
    const read = new Set(
      range(r).flatMap((row) => range(rowTaps).map((t) => row * rowLine.source.step + t * rowLine.taps.step)),
    );
    const sums = c * r * v;
    const busy = Math.max(sums, IN_FLIGHT) * rowTaps;
    return (
      columns * Math.max(busy, loading * v * read.size + c * r * rowTaps) + TILE_TURNS + SUM_TURNS * sums
    );
  };
  let best = { tile: { channels: 1, rows: 1, vectors: 1 }, turns: Number.POSITIVE_INFINITY };
  const consider = (tile: PixelTile): void => {
    const sums = tile.channels * tile.rows * tile.vectors;
    if (sums > accumulators || sums + tile.vectors + 1 > registers) return;
    if (tile.rows > 1 && (tile.channels < results || sums * rowTaps > MOST_SHARED)) return;
    const forms = [
      cut(results, tile.channels),
      cut(rowLine.count, tile.rows),
      cut(vectors, tile.vectors),
    ] as const;
    const time = sumOver(forms[0], (c) =>
      sumOver(forms[1], (r) => sumOver(forms[2], (v) => turnsOf(c, r, v))),
    );
    const texts = forms.reduce((all, { length }) => all * Math.max(1, length), 1);
    const turns = planes * time * (1 + FORM * (texts - 1));
    if (turns < best.turns) best = { tile, turns };
  };
  for (let c = Math.min(results, MOST_CHANNELS); c >= 1; c--)
    for (let r = 1; r <= Math.min(rowLine.count, MOST_ROWS); r++)
      for (let v = Math.min(vectors, MOST_VECTORS); v >= 1; v--)
        consider({ channels: c, rows: r, vectors: v });
  return best;
}
