import type { LanesDescription } from "../../ir/target-description.js";
import type { StepContext } from "../../lower/step.js";
import { widestVector } from "../lane-nest.js";
import {
  type Chunks,
  chunksOf,
  type RegisterTile,
  registerTile,
  type WinogradSizes,
} from "./winograd-sizes.js";
import { type PackedFilters, packedFilters } from "./winograd-weights.js";

/** How a correlation is carried out. */
export interface WinogradSchedule {
  readonly sizes: WinogradSizes;
  readonly lanes: number;
  readonly tile: RegisterTile;
  readonly chunks: Chunks;
  readonly packed: PackedFilters;
  /** Parts that the blocks of filters are shared out in: each transforms the input for itself. */
  readonly parts: number;
  readonly blocksOfPart: number;
}

/** Tiles of a chunk at most, and what a chunk costs beside its own: its filters come from the last cache or from memory. */
const MOST_TILES = 100;
const CHUNK_TILES = 4;
/** Iterations there should be, so that threads share them. */
const LEAST_ITERATIONS = 12;
/** Filters of a part: to transform a channel takes about as long as to multiply it with a tenth of them. */
const LEAST_FILTERS = 64;

export function scheduleOf(
  context: StepContext,
  description: LanesDescription,
  sizes: WinogradSizes,
): WinogradSchedule {
  const lanes = widestVector(context);
  const tile = registerTile(description, Math.ceil(sizes.filters / lanes));
  const packed = packedFilters(sizes, tile, lanes);
  const most = Math.max(1, Math.floor(sizes.filters / LEAST_FILTERS));
  const chunks = chunksOf(sizes, {
    most: MOST_TILES,
    each: CHUNK_TILES,
    iterations: sizes.groups * most,
    wanted: LEAST_ITERATIONS,
  });
  const wanted = Math.ceil(LEAST_ITERATIONS / (chunks.count * sizes.groups));
  const blocksOfPart = Math.ceil(packed.blocks / Math.min(packed.blocks, wanted, most));
  return { sizes, lanes, tile, chunks, packed, parts: Math.ceil(packed.blocks / blocksOfPart), blocksOfPart };
}
