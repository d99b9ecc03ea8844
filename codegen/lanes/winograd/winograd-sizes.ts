import { type NodeOf, sizeOf } from "../../ir/graph.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { IN_FLIGHT } from "../contraction/lane-tile.js";
import { POINTS } from "./winograd-transforms.js";

/**
 * A correlation of stride 1 in tiles: what forward and the gradient of the input have in common. Or the adjoint of one,
 * which has the tiles of that: it reads blocks where the correlation makes them, and makes tiles that overlap.
 */
export interface WinogradSizes {
  /** Extent r of the filter, and m of the block of outputs of a tile. */
  readonly kernel: number;
  readonly block: number;
  readonly images: number;
  readonly groups: number;
  /** Channels that are read, and that are made, in one group. */
  readonly channels: number;
  readonly filters: number;
  readonly input: readonly [number, number];
  readonly output: readonly [number, number];
  readonly adjoint: boolean;
  /**
   * The first output reads this far before the input's start; negative: that far behind it. Of an adjoint: the first
   * tile begins this far before the output's start.
   */
  readonly pad: readonly [number, number];
  /** Tiles that an image's outputs, or an adjoint's inputs, are cut into. */
  readonly tiles: readonly [number, number];
}

/** What a tile is: its extent along an axis where it is read, and where it is made. */
export interface Form {
  readonly read: number;
  readonly made: number;
  /** Where results start, in what tiles make. */
  readonly start: readonly [number, number];
}

export const formOf = ({ adjoint, block, pad }: WinogradSizes): Form =>
  adjoint ? { read: block, made: POINTS, start: pad } : { read: POINTS, made: block, start: [0, 0] };

/** Filters that have transforms, and the block of outputs that six inputs give with each. */
const BLOCKS: Readonly<Record<number, number>> = { 3: 4, 5: 2 };

type Convolution = NodeOf<"conv" | "convData" | "convFilter">;

/** Of a convolution that has a Winograd form (3 × 3 or 5 × 5, stride and dilation 1); undefined of another. */
export function winogradSizes(node: Convolution): WinogradSizes | undefined {
  const { spatial, groups } = node.geometry;
  if (spatial.length !== 2) return undefined;
  const [rows, columns] = spatial;
  const block = BLOCKS[rows.kernel];
  const regular = spatial.every((s) => s.kernel === rows.kernel && s.stride === 1 && s.dilation === 1);
  if (!regular || block === undefined) return undefined;
  const [first, second] = node.inputs;
  const x = node.op === "convData" ? node.shape : first.shape;
  const w = node.op === "convFilter" ? node.shape : second.shape;
  const common = { kernel: rows.kernel, block, images: x[0], groups };
  const [down, filtersDown] = [w[1], w[0] / groups];
  const input = [rows.input, columns.input] as const;
  const output = [rows.output, columns.output] as const;
  const pad = [rows.pad, columns.pad] as const;
  if (node.op !== "convData")
    return tiled({ ...common, channels: down, filters: filtersDown, input, output, pad, adjoint: false });
  const sizes = { ...common, channels: filtersDown, filters: down, input: output, output: input };
  // The gradient of the input is a correlation of y's with the filters turned round …
  const back = rows.kernel - 1;
  const correlation = tiled({ ...sizes, pad: [back - pad[0], back - pad[1]], adjoint: false });
  // … and the adjoint of the forward correlation.
  const adjoint = tiled({ ...sizes, pad, adjoint: true });
  return sizeOf(adjoint.tiles) <= LEAST_SAVED * sizeOf(correlation.tiles) ? adjoint : correlation;
}

/** An adjoint's tiles take longer to make, and its chunks are whole images: it is taken where it has clearly fewer. */
const LEAST_SAVED = 0.8;

function tiled(sizes: Omit<WinogradSizes, "tiles">): WinogradSizes {
  const cut = sizes.adjoint ? sizes.input : sizes.output;
  const [rows, columns] = cut.map((extent) => Math.ceil(extent / sizes.block));
  return { ...sizes, tiles: [rows, columns] };
}

/** How tiles are shared out: so many rows of tiles of so many images at a time. */
export interface Chunks {
  /** More than 1 only with all rows of each. */
  readonly images: number;
  readonly rows: number;
  /** Chunks of an image; and of all. */
  readonly parts: number;
  readonly count: number;
  /** Tiles of a chunk. The last one may have some that are none. */
  readonly tiles: number;
}

/** What chunks are chosen by. */
export interface ChunkCosts {
  /** Tiles of a chunk at most, where a row of an image has no more. */
  readonly most: number;
  /** What a chunk costs beside its tiles, in tiles: the transformed filters come from far for each. */
  readonly each: number;
  /** By how much longer a tile takes where its chunk has so many. Absent: by nothing. */
  spilled?(tiles: number): number;
  /** Iterations that each chunk gives, and how many there should be. */
  readonly iterations: number;
  readonly wanted: number;
}

/** How much longer it takes where threads have no iterations to share. */
const IDLE = 0.2;

/**
 * The chunks that cost least: with few tiles that are none, few chunks, and enough of them for threads. Tiles that overlap
 * stay together.
 */
export function chunksOf({ images, tiles, adjoint }: WinogradSizes, costs: ChunkCosts): Chunks {
  const [rows, columns] = tiles;
  let best: Chunks | undefined;
  let least = Number.POSITIVE_INFINITY;
  const consider = (chunks: Chunks): void => {
    if (best && chunks.tiles > costs.most) return;
    const idle = Math.max(0, 1 - (chunks.count * costs.iterations) / costs.wanted);
    const spilled = costs.spilled?.(chunks.tiles) ?? 0;
    // A sum of fewer tiles waits for itself.
    const turns = Math.max(chunks.tiles, IN_FLIGHT) * (1 + spilled);
    const cost = chunks.count * (turns + costs.each) * (1 + IDLE * idle);
    if (cost < least) [best, least] = [chunks, cost];
  };
  const whole: Chunks = { images: 1, rows, parts: 1, count: images, tiles: rows * columns };
  for (let each = adjoint ? rows : 1; each <= rows; each++) {
    const parts = Math.ceil(rows / each);
    consider({ images: 1, rows: each, parts, count: images * parts, tiles: each * columns });
  }
  for (let each = 2; each <= images; each++)
    consider({ images: each, rows, parts: 1, count: Math.ceil(images / each), tiles: each * rows * columns });
  return best ?? whole;
}

/** A register tile: `rows` × `vectors` sums. */
export interface RegisterTile {
  readonly rows: number;
  readonly vectors: number;
}

const MOST_VECTORS = 4;
const MOST_ROWS = 14;

/**
 * The register tile with fewest loads beside each multiply-add, that wastes little on so many vectors. One register
 * stays free beside the sums, the vectors of a turn and a broadcast: a compiler that lacks it loads vectors again for
 * each row.
 */
export function registerTile({ accumulators, registers }: LanesDescription, vectors: number): RegisterTile {
  let best: RegisterTile = { rows: 1, vectors: 1 };
  let least = Number.POSITIVE_INFINITY;
  for (let wide = 1; wide <= Math.min(MOST_VECTORS, vectors); wide++) {
    const rows = Math.min(
      MOST_ROWS,
      Math.floor(accumulators / wide),
      Math.floor((registers - 2 - wide) / wide),
    );
    const waste = (Math.ceil(vectors / wide) * wide) / vectors;
    const cost =
      waste * Math.max(1, IN_FLIGHT / (rows * wide)) * (1 + (1 / wide + 1 / rows) / 4 + 1 / (rows * wide));
    if (rows > 0 && cost < least) [best, least] = [{ rows, vectors: wide }, cost];
  }
  return best;
}

/** Elements behind each position's matrix, so that all of a tile's positions do not meet in one set of a cache. */
export const POSITION_GAP = 16;
