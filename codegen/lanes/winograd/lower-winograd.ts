import { InternalError } from "../../../proto/errors/index.js";
import { forTiles, range } from "../../contraction/tiles.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { add, addInt, compare, flatten, int, min, mul, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { fma, type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { widestVector } from "../lane-nest.js";
import { overVectors } from "../over-vectors.js";
import { clearBorders, fillStrip, type Strip, stripElements } from "./tile-planes.js";
import {
  type Chunks,
  chunksOf,
  POSITION_GAP,
  type RegisterTile,
  reachOf,
  registerTile,
  type WinogradSizes,
  winogradSizes,
} from "./winograd-sizes.js";
import {
  inputTransform,
  outputTransform,
  POINTS,
  POSITIONS,
  transformSquare,
} from "./winograd-transforms.js";
import { type PackedFilters, packedAt, packedFilters, packFilters } from "./winograd-weights.js";

/** How a correlation is carried out. */
interface Schedule {
  readonly sizes: WinogradSizes;
  readonly lanes: number;
  readonly tile: RegisterTile;
  readonly chunks: Chunks;
  readonly packed: PackedFilters;
  /** Parts that the blocks of filters are shared out in: each transforms the input for itself. */
  readonly parts: number;
  readonly blocksOfPart: number;
}

/** Tiles of a chunk: so often is a transformed filter used each time that it comes from memory. */
const TILES_AT_ONCE = 32;

/** Iterations there should be, so that threads share them. */
const LEAST_ITERATIONS = 16;

/** Filters of a part: fewer would not pay for transforming the input once more. */
const FILTERS_OF_PART = 96;

function scheduleOf(context: StepContext, description: LanesDescription, sizes: WinogradSizes): Schedule {
  const lanes = widestVector(context);
  const vectors = Math.ceil(sizes.filters / lanes);
  const tile = registerTile(description, vectors);
  const packed = packedFilters(sizes, tile, lanes);
  const chunks = chunksOf(sizes, TILES_AT_ONCE);
  const wanted = Math.ceil(LEAST_ITERATIONS / (chunks.count * sizes.groups));
  const parts = Math.max(1, Math.min(wanted, Math.floor(sizes.filters / FILTERS_OF_PART)));
  const blocksOfPart = Math.ceil(packed.blocks / parts);
  return { sizes, lanes, tile, chunks, packed, parts: Math.ceil(packed.blocks / blocksOfPart), blocksOfPart };
}

/** A convolution or the gradient of its input in tiles: a kernel for the filters, and one for all the rest. */
export function lowerWinograd(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target } = context;
  if ((anchor.op !== "conv" && anchor.op !== "convData") || !target.lanes)
    throw new InternalError(`lowerWinograd of ${anchor.op}`);
  const sizes = winogradSizes(anchor);
  if (!sizes) throw new InternalError(`${anchor.op} has no Winograd form`);
  const schedule = scheduleOf(context, target.lanes, sizes);
  return [packFilters(context, sizes, schedule.packed, schedule.lanes), inTiles(context, schedule)];
}

function inTiles(context: StepContext, schedule: Schedule): LoweredKernel {
  const { sizes, lanes, chunks, packed, parts, blocksOfPart, tile } = schedule;
  const draft = context.open();
  const { writer } = draft;
  const filters = draft.workspace(0, packed.elements);
  const channelsPadded = Math.ceil(sizes.channels / lanes) * lanes;
  const filtersPadded = blocksOfPart * packed.width;
  const inputs: Matrices = matrices(writer, chunks.tiles, channelsPadded);
  const results: Matrices = matrices(writer, chunks.tiles, filtersPadded);

  const p = writer.parallel(chunks.count * sizes.groups * parts);
  const [chunk, group, part] = unflatten(p, [chunks.count, sizes.groups, parts]).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const where = placeOfChunk(writer, sizes, chunks, chunk);
  const firstBlock = writer.integer(mul(part, blocksOfPart));
  const blocks = writer.integer(min(int(blocksOfPart), add(int(packed.blocks), mul(firstBlock, -1))));

  // Tiles of images that the last chunk has too much are multiplied like all others: they must hold numbers.
  if (chunks.images * (chunks.count / chunks.parts) > sizes.images)
    writer.prologue(() =>
      writer.loop(0, (POSITIONS * inputs.position) / lanes, (i) =>
        writer.store(inputs.memory, add(mul(i, lanes), lane), ZERO_VALUE),
      ),
    );
  transformInput(draft, context, schedule, { group, lane, where, inputs });
  writer.loop(0, POSITIONS, (position) =>
    writer.loop(0, blocks, (block) => {
      const u = writer.integer(packedAt(packed, group, position, add(firstBlock, block)));
      forTiles(writer, chunks.tiles, tile.tiles, (first, count) => {
        const v = writer.integer(add(mul(position, inputs.position), mul(first, inputs.row)));
        const m = add(
          mul(position, results.position),
          add(mul(first, results.row), mul(block, packed.width)),
        );
        const sums = range(count).map(() => range(tile.vectors).map(() => writer.variable(ZERO_VALUE)));
        writer.loop(0, sizes.channels, (k) => {
          const weights = range(tile.vectors).map((i) =>
            writer.real(load(filters, add(add(u, mul(k, packed.width)), add(int(i * lanes), lane)))),
          );
          sums.forEach((line, t) => {
            const x = writer.real(load(inputs.memory, add(v, add(int(t * inputs.row), k))));
            line.forEach((sum, i) => {
              writer.assign(sum, fma(x, weights[i], sum));
            });
          });
        });
        sums.forEach((line, t) => {
          line.forEach((sum, i) => {
            writer.store(results.memory, add(m, add(int(t * results.row + i * lanes), lane)), sum);
          });
        });
      });
    }),
  );
  transformOutput(draft, schedule, { group, lane, where, results, firstBlock, blocks });
  const { images, groups, channels, output, kernel } = sizes;
  const taps = kernel * kernel;
  return draft.close(2 * images * groups * channels * sizes.filters * output[0] * output[1] * taps);
}

/** A matrix for each position, [tile][channel]. */
interface Matrices {
  readonly memory: Memory;
  readonly row: number;
  readonly position: number;
}

function matrices(writer: KernelWriter, tiles: number, row: number): Matrices {
  const position = tiles * row + POSITION_GAP;
  return { memory: writer.shared("accumulator", POSITIONS * position), row, position };
}

/** Where a chunk lies. */
interface Place {
  readonly firstImage: Index;
  /** First row of tiles. */
  readonly firstRow: Index;
  /** The body for each image that is there. */
  eachImage(body: (image: Index, number: Index) => void): void;
}

function placeOfChunk(writer: KernelWriter, { images }: WinogradSizes, chunks: Chunks, chunk: Index): Place {
  const [outer, part] = unflatten(chunk, [chunks.count / chunks.parts, chunks.parts]);
  const firstImage = writer.integer(mul(outer, chunks.images));
  return {
    firstImage,
    firstRow: writer.integer(mul(part, chunks.rows)),
    eachImage: (body) =>
      writer.loop(0, chunks.images, (number) => {
        const image = writer.integer(add(firstImage, number));
        writer.when(compare("lt", image, int(images)), () => body(image, number));
      }),
  };
}

function transformInput(
  draft: KernelDraft,
  { anchor }: StepContext,
  { sizes, lanes, chunks }: Schedule,
  on: { readonly group: Index; readonly lane: Index; readonly where: Place; readonly inputs: Matrices },
): void {
  const { writer, evaluate } = draft;
  const { channels, input, pad, tiles, block } = sizes;
  const { group, lane, where, inputs } = on;
  const x = anchor.inputs[0];
  const strip: Strip = {
    plane: input,
    left: pad[1],
    rows: reachOf(sizes, chunks.rows),
    columns: reachOf(sizes, tiles[1]),
    lanes,
  };
  const memory = writer.shared("accumulator", stripElements(strip));
  writer.prologue(() => clearBorders(writer, strip, memory, lane));
  const transform = (image: Index, number: Index, first: Index, count: number): void => {
    fillStrip(writer, strip, memory, lane, {
      top: writer.integer(addInt(mul(where.firstRow, block), -pad[0])),
      channels: count,
      element: (i, row, column) =>
        evaluate.elementAt(
          x,
          flatten(
            [image, add(add(mul(group, channels), first), int(i)), row, column],
            [sizes.images, sizes.groups * channels, ...input],
          ),
        ),
    });
    writer.loop(0, chunks.rows, (row) =>
      writer.loop(0, tiles[1], (column) => {
        const from = writer.integer(mul(add(mul(row, block * strip.columns), mul(column, block)), lanes));
        const tile = add(mul(add(mul(number, chunks.rows), row), tiles[1]), column);
        const to = writer.integer(add(mul(tile, inputs.row), first));
        transformSquare(
          writer,
          inputTransform,
          POINTS,
          (i, j) => load(memory, add(from, add(int((i * strip.columns + j) * lanes), lane))),
          (i, line) => {
            line.forEach((value, j) => {
              const at = add(to, add(int((i * POINTS + j) * inputs.position), lane));
              writer.store(inputs.memory, at, value);
            });
          },
        );
      }),
    );
  };
  where.eachImage((image, number) => {
    const whole = Math.floor(channels / lanes);
    writer.loop(0, whole, (vector) => transform(image, number, writer.integer(mul(vector, lanes)), lanes));
    const rest = channels - whole * lanes;
    if (rest > 0) transform(image, number, int(whole * lanes), rest);
  });
}

function transformOutput(
  draft: KernelDraft,
  { sizes, lanes, chunks, packed }: Schedule,
  on: {
    readonly group: Index;
    readonly lane: Index;
    readonly where: Place;
    readonly results: Matrices;
    readonly firstBlock: Index;
    readonly blocks: Index;
  },
): void {
  const { writer } = draft;
  const { output, tiles, block, filters } = sizes;
  const { group, lane, where, results, firstBlock, blocks } = on;
  const [height, width] = output;
  const rows = chunks.rows * block;
  const columns = tiles[1] * block;
  /** [row][column][filter], with the columns that no output has. */
  const blocksOf = writer.shared("accumulator", rows * columns * lanes);
  /** [filter][pixel] */
  const plane = Math.ceil((rows * width) / lanes + 2) * lanes;
  const planes = writer.shared("accumulator", plane * lanes);
  const firstFilter = writer.integer(mul(firstBlock, packed.width));
  const vectors = writer.integer(mul(blocks, packed.width / lanes));
  const firstPixel = writer.integer(mul(where.firstRow, block * width));

  where.eachImage((image, number) =>
    writer.loop(0, vectors, (vector) => {
      const filter = writer.integer(add(firstFilter, mul(vector, lanes)));
      writer.loop(0, chunks.rows, (row) =>
        writer.loop(0, tiles[1], (column) => {
          const tile = add(mul(add(mul(number, chunks.rows), row), tiles[1]), column);
          const from = writer.integer(add(mul(tile, results.row), mul(vector, lanes)));
          const to = writer.integer(mul(add(mul(row, block * columns), mul(column, block)), lanes));
          transformSquare(
            writer,
            outputTransform(block),
            POINTS,
            (i, j) => load(results.memory, add(from, add(int((i * POINTS + j) * results.position), lane))),
            (i, line) => {
              line.forEach((value, j) => {
                writer.store(blocksOf, add(to, add(int((i * columns + j) * lanes), lane)), value);
              });
            },
          );
        }),
      );
      // A row's last block overlaps the one before; what a short row has too much, the next row overwrites.
      writer.loop(0, rows, (row) =>
        writer.loop(0, Math.ceil(width / lanes), (turn) => {
          const column = width < lanes ? int(0) : writer.integer(min(mul(turn, lanes), int(width - lanes)));
          const from = writer.integer(mul(add(mul(row, columns), column), lanes));
          writer.stores(
            planes,
            add(add(mul(row, width), column), mul(lane, plane)),
            range(lanes).map(
              (i): Value => (i < width ? load(blocksOf, add(from, add(int(i * lanes), lane))) : ZERO_VALUE),
            ),
          );
        }),
      );
      const store = (pixels: number): void =>
        writer.loop(0, writer.integer(min(int(lanes), add(int(filters), mul(filter, -1)))), (channel) => {
          const at = [image, add(add(mul(group, filters), filter), channel)];
          const put = (pixel: Index): void => {
            draft.storeAt([...at, ...unflatten(add(firstPixel, pixel), output)], {
              type: "real",
              value: load(planes, add(mul(channel, plane), pixel)),
            });
          };
          overVectors(writer, pixels, lanes, lane, put);
        });
      const full = Math.min(rows, height) * width;
      const last = (height - (chunks.parts - 1) * rows) * width;
      if (chunks.parts === 1 || full === last) store(full);
      else
        writer.when(
          compare("lt", where.firstRow, int((chunks.parts - 1) * chunks.rows)),
          () => store(full),
          () => store(last),
        );
    }),
  );
}
