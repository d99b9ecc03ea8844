import { cut, sumOver } from "../../contraction/tiles.js";
import type { LanesDescription } from "../../ir/target-description.js";

/** A register tile: so many pixels (rows) × vectors of channels (columns), one vector of sums for each. */
export interface LaneTile {
  readonly pixels: number;
  readonly vectors: number;
}

/** Turns of an FMA that must be under way before the first is done: two units, four cycles each. */
export const IN_FLIGHT = 8;
/** Of a cache's line. */
export const LINE_BYTES = 64;
/** Loads that one of a vector counts for that begins anywhere: every other time it takes part of two lines of the cache. */
export const UNALIGNED = 1.4;
/** Vectors and scalars that are loaded while one FMA is carried out, both units busy. */
const LOADS_PER_FMA = 1;
/** What a tile takes besides its sums, in FMAs: to start, and for each vector to be stored the other way round. */
const TILE_TURNS = 32;
const VECTOR_TURNS = 24;

/** Turns (of one FMA each) that one step of depth takes in a tile. */
export const turnsOf = (pixels: number, vectors: number): number =>
  Math.max(pixels * vectors, (pixels + vectors) / LOADS_PER_FMA, IN_FLIGHT);

/**
 * The tile that takes least time over `extent` neighbouring pixels × `vectors` vectors of channels, and that time in FMAs of
 * one vector, a step of depth. A broadcast pixel and the vectors of a turn want registers beside the sums.
 *
 * @param depth how many products are summed for each result
 */
export function chooseLaneTile(
  { accumulators, registers }: Pick<LanesDescription, "accumulators" | "registers">,
  extent: number,
  vectors: number,
  depth: number,
): { readonly tile: LaneTile; readonly turns: number } {
  let best: LaneTile = { pixels: 1, vectors: 1 };
  let least = Number.POSITIVE_INFINITY;
  for (let wide = Math.min(vectors, 8); wide >= 1; wide--)
    for (let pixels = Math.min(extent, Math.floor(accumulators / wide)); pixels >= 1; pixels--) {
      if (pixels * wide + wide + 1 > registers) continue;
      const turns = sumOver(cut(vectors, wide), (v) =>
        sumOver(cut(extent, pixels), (p) => turnsOf(p, v) + (TILE_TURNS + VECTOR_TURNS * v) / depth),
      );
      if (turns < least) [best, least] = [{ pixels, vectors: wide }, turns];
    }
  return { tile: best, turns: least };
}
