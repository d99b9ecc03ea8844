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
import { type PackedFilters, packedFilters } from "./winograd-weights.js";

/** What ways to carry out a correlation have in common. */
export interface TileSchedule {
  readonly sizes: WinogradSizes;
  readonly lanes: number;
  readonly tile: RegisterTile;
  readonly chunks: Chunks;
}

/** Filters are transformed and packed first; an iteration transforms a chunk of tiles and multiplies it with them. */
export interface Packed extends TileSchedule {
  readonly packed: PackedFilters;
  /** Parts that the blocks of filters are shared out in: each transforms the input for itself. */
  readonly parts: number;
  readonly blocksOfPart: number;
}

/** The tiles of a chunk are transformed first; an iteration transforms a block of filters and multiplies them with it. */
export interface ByFilters extends TileSchedule {
  readonly filters: ChannelBlocks;
  /** What of the input is multiplied at a time. */
  readonly channels: ChannelBlocks;
}

/** Tiles of a chunk at most, and what a chunk costs beside its own, in tiles: more where filters do not stay in the second cache. */
const MOST_TILES = 100;
const CHUNK_TILES = { near: 1, far: 4 };
/** Share of the second cache that a chunk's matrices and the filters may take to stay there. */
const STAYS = 0.8;
/**
 * A tile's numbers of a channel, where they do not stay there: as long as multiplying the channel with so many filters
 * takes. LeNet's second convolution took 3.1 ms in chunks of 64 tiles, 2.2 in those of 16 to 32.
 */
const SPILLED = 14;
/** Iterations there should be, so that threads share them. */
const LEAST_ITERATIONS = 12;
/** Filters of a part: to transform a channel takes about as long as to multiply it with a tenth of them. */
const LEAST_FILTERS = 96;

/** The schedule for vectors of so many lanes; an element takes `realBytes`. Filters that are kept from pass to pass lie packed. */
export function scheduleOf(
  description: LanesDescription,
  sizes: WinogradSizes,
  realBytes: number,
  keepsFilters = false,
): Packed | ByFilters {
  const lanes = description.vectorBytes / realBytes;
  const tile = registerTile(description, Math.ceil(sizes.filters / lanes));
  if (keepsFilters) return packed(description, sizes, tile, lanes, realBytes);
  return (
    byFilters(description, sizes, tile, lanes, realBytes) ??
    packed(description, sizes, tile, lanes, realBytes)
  );
}

function packed(
  { l2Bytes }: LanesDescription,
  sizes: WinogradSizes,
  tile: RegisterTile,
  lanes: number,
  realBytes: number,
): Packed {
  const packed = packedFilters(sizes, tile, lanes);
  const room = STAYS * l2Bytes - packed.elements * realBytes;
  const ofTile = POSITIONS * realBytes * (sizes.channels + sizes.filters);
  const most = Math.max(1, Math.floor(sizes.filters / LEAST_FILTERS));
  const chunks = chunksOf(sizes, {
    most: MOST_TILES,
    each: room > 0 ? CHUNK_TILES.near : CHUNK_TILES.far,
    spilled: (tiles) => (tiles * ofTile > room ? SPILLED * (1 / sizes.channels + 1 / sizes.filters) : 0),
    iterations: sizes.groups * most,
    wanted: LEAST_ITERATIONS,
  });
  const wanted = Math.ceil(LEAST_ITERATIONS / (chunks.count * sizes.groups));
  const blocksOfPart = Math.ceil(packed.blocks / Math.min(packed.blocks, wanted, most));
  return { sizes, lanes, tile, chunks, packed, parts: Math.ceil(packed.blocks / blocksOfPart), blocksOfPart };
}

/** What a chunk costs that transforms the filters once more, in tiles. */
const TRANSFORMED_TILES = 10;
/** Channels at a time. */
const CHANNELS = 32;
/** Chunks at most: with more, it is better to transform filters once for all. */
const MOST_CHUNKS = 4;
/** Where there are many filters for few tiles. */
function byFilters(
  { l2Bytes }: LanesDescription,
  sizes: WinogradSizes,
  tile: RegisterTile,
  lanes: number,
  realBytes: number,
): ByFilters | undefined {
  const { groups } = sizes;
  const chunks = chunksOf(sizes, { most: MOST_TILES, each: TRANSFORMED_TILES, iterations: 1, wanted: 1 });
  const vectors = Math.ceil(sizes.filters / lanes);
  const blocksOf = (each: number): ChannelBlocks => ({ vectors: each, blocks: Math.ceil(vectors / each) });
  const channels = Math.ceil(Math.min(CHANNELS, sizes.channels) / lanes);
  const room = (0.6 * l2Bytes) / (POSITIONS * realBytes * lanes);
  const wide = [4, 3, 2, 1].map((count) => count * tile.vectors);
  const each = wide.find(
    (count) =>
      count * (chunks.tiles + channels * lanes) <= room &&
      groups * blocksOf(count).blocks >= LEAST_ITERATIONS,
  );
  if (each === undefined || chunks.count > MOST_CHUNKS) return undefined;
  return {
    sizes,
    lanes,
    tile,
    chunks,
    filters: blocksOf(each),
    channels: { vectors: channels, blocks: Math.ceil(sizes.channels / (channels * lanes)) },
  };
}
