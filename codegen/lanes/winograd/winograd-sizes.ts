import type { NodeOf } from "../../ir/graph.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { POINTS } from "./winograd-transforms.js";

/** A correlation of stride 1 in tiles: what forward and the gradient of the input have in common. */
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
  /** The first output reads this far before the input's start; negative: that far behind it. */
  readonly pad: readonly [number, number];
  /** Tiles that an image's outputs are cut into. */
  readonly tiles: readonly [number, number];
}

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
  const sides = {
    input: [rows.input, columns.input],
    output: [rows.output, columns.output],
  } as const;
  if (node.op !== "convData")
    return tiled({
      ...common,
      channels: down,
      filters: filtersDown,
      ...sides,
      pad: [rows.pad, columns.pad],
    });
  // The gradient of the input is a correlation of y's with the filters turned round.
  return tiled({
    ...common,
    channels: filtersDown,
    filters: down,
    input: sides.output,
    output: sides.input,
    pad: [rows.kernel - 1 - rows.pad, rows.kernel - 1 - columns.pad],
  });
}

function tiled(sizes: Omit<WinogradSizes, "tiles">): WinogradSizes {
  const [rows, columns] = sizes.output.map((extent) => Math.ceil(extent / sizes.block));
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

/** Chunks of about so many tiles, as even as can be. */
export function chunksOf({ images, tiles }: WinogradSizes, wanted: number): Chunks {
  const [rows, columns] = tiles;
  const whole = Math.floor(wanted / (rows * columns));
  if (whole >= 1) {
    const count = Math.ceil(images / Math.min(whole, images));
    const each = Math.ceil(images / count);
    return { images: each, rows, parts: 1, count, tiles: each * rows * columns };
  }
  const parts = Math.ceil(rows / Math.max(1, Math.floor(wanted / columns)));
  const each = Math.ceil(rows / parts);
  const needed = Math.ceil(rows / each);
  return { images: 1, rows: each, parts: needed, count: images * needed, tiles: each * columns };
}

/** A register tile: `tiles` × `vectors` sums. */
export interface RegisterTile {
  readonly tiles: number;
  readonly vectors: number;
}

/** The register tile that wastes least on a row of so many vectors. */
export function registerTile({ accumulators }: LanesDescription, vectors: number): RegisterTile {
  let best: (RegisterTile & { readonly cost: number }) | undefined;
  for (let width = 1; width <= 4 && width <= vectors; width++) {
    const tiles = Math.min(12, Math.floor(accumulators / width));
    const turns = Math.ceil(vectors / width) * width;
    // Loads beside each multiply-add, of which a processor makes at least as many.
    const cost = (turns / vectors) * (1 + 0.3 * (1 / width + 1 / tiles));
    if (!best || cost < best.cost) best = { tiles, vectors: width, cost };
  }
  return best ?? { tiles: 1, vectors: 1 };
}

/** Elements behind each position's matrix, so that all of a tile's positions do not meet in one set of a cache. */
export const POSITION_GAP = 16;

/** Extent of what `tiles` neighbouring tiles read along an axis. */
export const reachOf = ({ block }: WinogradSizes, tiles: number): number => (tiles - 1) * block + POINTS;
