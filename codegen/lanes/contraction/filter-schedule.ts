import type { ConvSizes } from "../../contraction/conv-sizes.js";
import { cut, range } from "../../contraction/tiles.js";
import { type Shape, sizeOf } from "../../ir/graph.js";
import type { LanesDescription, TargetDescription } from "../../ir/target-description.js";
import { turnsOf } from "./lane-tile.js";

/** How the gradient of filters is cut up. */
export interface FilterSchedule {
  /** Vectors of filters side by side in a block. */
  readonly vectors: number;
  /** Channels whose taps an iteration sums. */
  readonly channels: number;
  /** What is summed in one go: so many images, and rows of each (positions along the first axis of y). */
  readonly chunk: { readonly images: number; readonly rows: number };
  /** Chunks of all images are summed in so many parts, each by iterations of its own. */
  readonly parts: number;
  /** What all products take, in FMAs of one vector. */
  readonly turns: number;
}

/** Sums of an iteration at least, per filter: they share what is read of y. */
const FEWEST_SUMS = 32;
const MOST_VECTORS = 4;
/** Turns that a tile takes besides its products: sums loaded and stored again. */
const TILE_TURNS = 16;

/** The schedule with the least work for `lanes` filters in a vector; the same whatever the number of threads. */
export function chooseFilterSchedule(
  sizes: ConvSizes,
  { lanes: description, parallelIterations }: TargetDescription & { readonly lanes: LanesDescription },
  lanes: number,
  realBytes: number,
): FilterSchedule {
  const { groups, channels, filters, taps, kernel, images, output, pixels } = sizes;
  const all = Math.ceil(filters / lanes);
  let best: Pick<FilterSchedule, "vectors" | "channels"> | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const vectors of range(Math.min(all, MOST_VECTORS)).map((i) => i + 1)) {
    const blocks = cut(all, vectors);
    const wanted = Math.ceil(parallelIterations / (groups * Math.ceil(all / vectors)));
    const fewest = Math.min(channels, Math.ceil(FEWEST_SUMS / taps));
    const most = description.l1Bytes / 2 / (taps * vectors * lanes * realBytes);
    const from = Math.max(fewest, Math.min(Math.floor(channels / wanted), Math.floor(most)), 1);
    for (let own = from; own <= Math.min(2 * from, channels); own++) {
      let turns = 0;
      for (const block of blocks)
        for (const { width, count } of cut(channels, own))
          turns +=
            block.count * count * chooseBox(description, [width, ...kernel], block.width, pixels).turns;
      if (turns < least) [best, least] = [{ vectors, channels: own }, turns];
    }
  }
  const { vectors, channels: own } = best ?? { vectors: 1, channels: 1 };
  // What a chunk reads of y stays in half of the first cache while tile after tile reads it.
  const fit = Math.floor(description.l1Bytes / 2 / (vectors * lanes * realBytes));
  const rows = Math.max(1, Math.min(output[0], Math.floor(fit / (pixels / output[0]))));
  const even = Math.ceil(output[0] / Math.ceil(output[0] / rows));
  const chunk = {
    rows: even,
    images: even < output[0] ? 1 : Math.max(1, Math.min(images, Math.floor(fit / pixels))),
  };
  const chunks = chunkCount(sizes, chunk);
  const iterations = groups * Math.ceil(all / vectors) * Math.ceil(channels / own);
  const each = Math.ceil(chunks / Math.max(1, Math.min(chunks, Math.floor(parallelIterations / iterations))));
  return {
    vectors,
    channels: own,
    chunk,
    parts: Math.ceil(chunks / each),
    turns: images * groups * pixels * least,
  };
}

export const chunkCount = ({ images, output }: ConvSizes, chunk: FilterSchedule["chunk"]): number =>
  Math.ceil(images / chunk.images) * Math.ceil(output[0] / chunk.rows);

/**
 * Results along several axes that a tile of registers sums together, each with `vectors` vectors: the box that covers
 * `extents` in the fewest turns.
 */
export function chooseBox(
  { accumulators, registers }: Pick<LanesDescription, "accumulators" | "registers">,
  extents: Shape,
  vectors: number,
  depth: number,
): { readonly box: Shape; readonly turns: number } {
  const most = Math.max(1, Math.min(accumulators, registers - vectors - 1) / vectors);
  let best: { box: Shape; turns: number } = { box: [], turns: Number.POSITIVE_INFINITY };
  const cost = (axis: number, box: Shape, rows: number): number =>
    axis === box.length
      ? turnsOf(rows, vectors) + (TILE_TURNS * (vectors * rows)) / depth
      : cut(extents[axis], box[axis]).reduce(
          (sum, { width, count }) => sum + count * cost(axis + 1, box, rows * width),
          0,
        );
  const grow = (box: Shape): void => {
    if (box.length < extents.length) {
      const axis = extents.length - 1 - box.length;
      for (let own = Math.min(extents[axis], Math.floor(most / sizeOf(box))); own >= 1; own--)
        grow([own, ...box]);
      return;
    }
    const turns = cost(0, box, 1);
    if (turns < best.turns) best = { box, turns };
  };
  grow([]);
  return best;
}
