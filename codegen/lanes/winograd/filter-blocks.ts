import type { LanesDescription } from "../../ir/target-description.js";
import type { ChannelBlocks } from "./transformed-tiles.js";
import {
  type Chunks,
  chunksOf,
  type RegisterTile,
  registerTile,
  type WinogradSizes,
} from "./winograd-sizes.js";
import { POSITIONS } from "./winograd-transforms.js";

/** How the gradient of filters is shared out: chunks of tiles, and of each all blocks of channels × filters. */
export interface FilterBlocks {
  readonly tile: RegisterTile;
  readonly chunks: Chunks;
  /** Blocks of channels, and of filters, of a group. */
  readonly x: ChannelBlocks;
  readonly y: ChannelBlocks;
}

/** A chunk's transformed tiles should stay in the last cache, of which they may take so many bytes … */
const CHUNK_BYTES = 6 * 2 ** 20;
/** … but with fewer tiles than these, sums would be read and written too often. */
const LEAST_TILES = 96;
const MOST_TILES = 200;
/** What a chunk costs beside its tiles, in tiles. */
const CHUNK_TILES = 16;
/**
 * Iterations of a chunk that there should be, so that threads share them; and what fewer cost: with 0.3 LeNet's second
 * convolution was one iteration, and two threads took as long as one.
 */
const LEAST_ITERATIONS = 12;
const IDLE = 0.6;
/** What it costs to fetch a channel's number, in multiply-adds. */
const FETCH = 4;

export function chooseFilterBlocks(
  description: LanesDescription,
  sizes: WinogradSizes,
  lanes: number,
  realBytes: number,
): FilterBlocks {
  const { groups, channels, filters } = sizes;
  const all = [channels, filters].map((count) => Math.ceil(count / lanes));
  const tile = registerTile(description, all[1]);
  const most = description.l2Bytes / 2 / (POSITIONS * realBytes * lanes ** 2);
  let best: Pick<FilterBlocks, "x" | "y"> | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const x of evenBlocks(all[0]))
    for (const y of evenBlocks(all[1])) {
      if (best && x.vectors * y.vectors > most) continue;
      const [own, made] = [Math.min(channels, x.vectors * lanes), y.vectors * lanes];
      const rows = Math.ceil(own / tile.rows) * tile.rows;
      const wide = Math.ceil(y.vectors / tile.vectors) * tile.vectors;
      const waste = (1 + rows / own + wide / y.vectors) / 3;
      const idle = Math.max(0, 1 - (groups * x.blocks * y.blocks) / LEAST_ITERATIONS);
      const cost = waste * (1 + FETCH * (1 / own + 1 / made)) * (1 + IDLE * idle);
      if (cost < least) [best, least] = [{ x, y }, cost];
    }
  const transformed = POSITIONS * groups * (channels + filters) * realBytes;
  const chunks = chunksOf(sizes, {
    most: Math.max(LEAST_TILES, Math.min(MOST_TILES, Math.floor(CHUNK_BYTES / transformed))),
    each: CHUNK_TILES,
    iterations: 1,
    wanted: 1,
  });
  const single = { vectors: 1, blocks: 1 };
  return { tile, chunks, ...(best ?? { x: single, y: single }) };
}

/** The ways to cut so many vectors into blocks as even as can be: the narrowest blocks first. */
function evenBlocks(vectors: number): readonly ChannelBlocks[] {
  const ways: ChannelBlocks[] = [];
  for (let each = 1; each <= vectors; each++) {
    const blocks = Math.ceil(vectors / each);
    if (Math.ceil(vectors / blocks) === each) ways.push({ vectors: each, blocks });
  }
  return ways;
}
