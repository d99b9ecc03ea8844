import { type Node, sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, flatten, int, mul, unflatten } from "../../kernel/indices.js";
import type { Index, Memory } from "../../kernel/kernel.js";
import { type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft } from "../../lower/step.js";
import { LINE_BYTES } from "../contraction/lane-tile.js";
import { clearBorders, fillStrip, type Strip, stripElements } from "./tile-planes.js";
import { type Chunks, POSITION_GAP, type WinogradSizes } from "./winograd-sizes.js";
import { POINTS, POSITIONS, type Transform, transformSquare } from "./winograd-transforms.js";

/** A matrix for each position, [tile][channel], the first one at `start`. */
export interface Matrices {
  readonly memory: Memory;
  readonly start: Index;
  readonly row: number;
  readonly position: number;
}

/** From one position's matrix to the next. */
export const positionOf = (tiles: number, row: number): number => tiles * row + POSITION_GAP;

/** Where an element of the first position's matrix lies. */
export const matrixAt = ({ start, row }: Matrices, tile: Index, channel: Index): Index =>
  add(start, add(mul(tile, row), channel));

/** Elements of a cache's line, in float32. */
const LINE = LINE_BYTES / 4;

/**
 * Matrices of an iteration's own. A row is an odd number of lines, so that a channel of many tiles lies all over a cache.
 */
export function ownMatrices(writer: KernelWriter, tiles: number, channels: number): Matrices {
  const row = (Math.floor(Math.ceil(channels / LINE) / 2) * 2 + 1) * LINE;
  const position = positionOf(tiles, row);
  return { memory: writer.shared("accumulator", POSITIONS * position), start: int(0), row, position };
}

/** Where a chunk lies. */
export interface Place {
  /** First row of tiles. */
  readonly firstRow: Index;
  /** The body for each image that is there, and `missing` for each that the last chunk lacks. */
  eachImage(body: (image: Index, number: Index) => void, missing?: (number: Index) => void): void;
}

export function placeOf(
  writer: KernelWriter,
  { images }: WinogradSizes,
  chunks: Chunks,
  chunk: Index,
): Place {
  const [outer, part] = unflatten(chunk, [chunks.count / chunks.parts, chunks.parts]);
  const first = writer.integer(mul(outer, chunks.images));
  return {
    firstRow: writer.integer(mul(part, chunks.rows)),
    eachImage: (body, missing) =>
      writer.loop(0, chunks.images, (number) => {
        const image = writer.integer(add(first, number));
        writer.when(
          compare("lt", image, int(images)),
          () => body(image, number),
          missing && (() => missing(number)),
        );
      }),
  };
}

/** The body for each tile of an image in a chunk: its row and column there, and its number in the chunk. */
export function eachTile(
  writer: KernelWriter,
  { tiles }: WinogradSizes,
  { rows }: Chunks,
  image: Index,
  body: (row: Index, column: Index, tile: Index) => void,
): void {
  writer.loop(0, rows, (row) =>
    writer.loop(0, tiles[1], (column) =>
      body(row, column, add(mul(add(mul(image, rows), row), tiles[1]), column)),
    ),
  );
}

/** Planes that are cut into tiles, one for each tile of a correlation. */
export interface TiledPlanes {
  readonly node: Node;
  /** Channels of all groups. */
  readonly channels: number;
  readonly plane: readonly [number, number];
  readonly pad: readonly [number, number];
  /** Rows and columns of a tile: one follows the other after a block of outputs. */
  readonly extent: number;
  readonly transform: Transform;
}

/** Channels that are transformed together: as many as there are lanes, or the last ones. */
export interface ChannelVector {
  readonly first: Index;
  readonly count: number;
  /** Where the first one's column lies in the matrices. */
  readonly column: Index;
}

/** What transforms the tiles of a chunk; asked for once in a kernel, it does that for any channels. */
export function openTiles(
  draft: KernelDraft,
  sizes: WinogradSizes,
  chunks: Chunks,
  planes: TiledPlanes,
  { lanes, lane }: { readonly lanes: number; readonly lane: Index },
) {
  const { writer, evaluate } = draft;
  const { block, tiles } = sizes;
  const { extent } = planes;
  const strip: Strip = {
    plane: planes.plane,
    left: planes.pad[1],
    rows: (chunks.rows - 1) * block + extent,
    columns: (tiles[1] - 1) * block + extent,
    lanes,
  };
  const memory = writer.shared("accumulator", stripElements(strip));
  writer.prologue(() => clearBorders(writer, strip, memory, lane));
  const shape = [sizes.images, planes.channels, ...planes.plane];
  return {
    transform(to: Matrices, place: Place, image: Index, number: Index, channels: ChannelVector): void {
      fillStrip(writer, strip, memory, lane, {
        top: writer.integer(addInt(mul(place.firstRow, block), -planes.pad[0])),
        channels: channels.count,
        element: (i, row, column) =>
          evaluate.elementAt(planes.node, flatten([image, addInt(channels.first, i), row, column], shape)),
      });
      eachTile(writer, sizes, chunks, number, (row, column, tile) => {
        const from = writer.integer(mul(add(mul(row, block * strip.columns), mul(column, block)), lanes));
        const target = writer.integer(matrixAt(to, tile, channels.column));
        transformSquare(
          writer,
          planes.transform,
          extent,
          (i, j) => load(memory, add(from, add(int((i * strip.columns + j) * lanes), lane))),
          (i, line) => {
            line.forEach((value, j) => {
              writer.store(to.memory, add(target, add(int((i * POINTS + j) * to.position), lane)), value);
            });
          },
        );
      });
    },
    /** Zeros, where an image is missing. */
    clear(to: Matrices, number: Index, column: Index): void {
      eachTile(writer, sizes, chunks, number, (_row, _column, tile) => {
        const target = writer.integer(matrixAt(to, tile, column));
        writer.loop(0, POSITIONS, (position) =>
          writer.store(to.memory, add(add(target, mul(position, to.position)), lane), ZERO_VALUE),
        );
      });
    },
  };
}

/** Multiply-adds as those of a sum of products, twice. */
export const directFlops = ({ images, groups, channels, filters, output, kernel }: WinogradSizes): number =>
  2 * images * groups * channels * filters * sizeOf(output) * kernel ** 2;
