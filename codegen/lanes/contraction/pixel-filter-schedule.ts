import type { ConvSizes } from "../../contraction/conv-sizes.js";
import { cut, range, sumOver, tileCount } from "../../contraction/tiles.js";
import { sizeOf } from "../../ir/graph.js";
import type { LanesDescription, TargetDescription } from "../../ir/target-description.js";
import { IN_FLIGHT, UNALIGNED } from "./lane-tile.js";
import { copiedElements, type PixelRows } from "./pixel-source.js";

/** How the gradient of filters is cut up, pixels in the lanes. */
export interface PixelFilterSchedule {
  /** Sums in registers, a vector for each: filters × taps of rows × taps along a row. */
  readonly tile: { readonly filters: number; readonly rows: number; readonly columns: number };
  /** Filters of an iteration. */
  readonly filters: number;
  /** Rows of results that are summed in one go. */
  readonly rows: number;
  /** All that is summed, in so many parts, each by iterations of their own. */
  readonly parts: number;
  /** What all takes, in FMAs of one vector. */
  readonly turns: number;
}

/** Vectors of pixels that a part sums at least, for each tile of sums. */
const FEWEST_VECTORS = 64;
const MOST_FILTERS = 8;
/** Turns of a sum's way from memory to registers and back, and of an element's into the copy. */
const SUM_TURNS = 2;
const COPY_TURNS = 2;

/** Images, planes of results, and stretches of so many of their rows: what is summed one after the other. */
export const chunksOf = ({ images, output }: ConvSizes, rows: number): readonly number[] => [
  images,
  ...output.slice(0, -2),
  Math.ceil(output[output.length - 2] / rows),
];

/** The schedule that takes least time, for planes of two axes at least; the same whatever the number of threads. */
export function choosePixelFilters(
  sizes: ConvSizes,
  source: PixelRows,
  { lanes: description, parallelIterations }: TargetDescription & { readonly lanes: LanesDescription },
  realBytes: number,
): PixelFilterSchedule {
  const { groups, filters, channels, taps, output, images } = sizes;
  const { lanes } = source;
  const { l1Bytes, l2Bytes } = description;
  const [height, length] = output.slice(-2);
  const vectors = Math.ceil(length / lanes);
  const sumBytes = channels * taps * lanes * realBytes;
  const own = Math.max(1, Math.min(filters, Math.floor(l2Bytes / 3 / sumBytes)));
  const each = Math.ceil(filters / Math.ceil(filters / own));
  const tiled = chooseTile(sizes, description, each);
  // What a tile of filters reads of y stays in the first cache while tile after tile of taps reads it.
  const fit = Math.max(1, Math.floor(l1Bytes / 3 / (tiled.tile.filters * length * realBytes)));
  let rows = Math.ceil(height / Math.ceil(height / Math.min(height, fit)));
  while (rows > 1 && copiedElements(source, rows) * realBytes > l2Bytes / 3) rows = Math.ceil(rows / 2);
  const chunks = sizeOf(chunksOf(sizes, rows));
  const blocks = tileCount(filters, each);
  const most = Math.max(1, Math.floor((chunks * rows * vectors) / FEWEST_VECTORS));
  const parts = Math.max(1, Math.min(chunks, most, Math.floor(parallelIterations / (groups * blocks))));
  const perPart = Math.ceil(chunks / parts);
  const summed = images * sizeOf(output.slice(0, -1)) * vectors;
  const turns =
    groups *
    blocks *
    (summed * tiled.turns +
      chunks * (SUM_TURNS * each * channels * taps + (COPY_TURNS * copiedElements(source, rows)) / lanes));
  return { tile: tiled.tile, filters: each, rows, parts: Math.ceil(chunks / perPart), turns };
}

/** The tile that sums all filters × taps of a vector of pixels in the fewest turns. */
function chooseTile(
  { channels, kernel }: ConvSizes,
  { accumulators, registers }: LanesDescription,
  filters: number,
): Pick<PixelFilterSchedule, "tile" | "turns"> {
  const [height, width] = kernel.slice(-2);
  const others = channels * sizeOf(kernel.slice(0, -2));
  let best = { tile: { filters: 1, rows: 1, columns: 1 }, turns: Number.POSITIVE_INFINITY };
  const upTo = (count: number): readonly number[] => range(count).map((i) => i + 1);
  for (const own of upTo(Math.min(filters, MOST_FILTERS)))
    for (const rows of upTo(height))
      for (const columns of upTo(width)) {
        const sums = own * rows * columns;
        const kept = Math.min(own, rows * columns);
        if (sums > accumulators || sums + kept + 1 > registers) continue;
        const turns =
          others *
          sumOver(cut(filters, own), (f) =>
            sumOver(cut(height, rows), (r) =>
              sumOver(cut(width, columns), (c) => Math.max(f * r * c, f + UNALIGNED * r * c, IN_FLIGHT)),
            ),
          );
        if (turns < best.turns) best = { tile: { filters: own, rows, columns }, turns };
      }
  return best;
}
