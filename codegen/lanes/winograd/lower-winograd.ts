import { InternalError } from "../../../proto/errors/index.js";
import { forTiles, range } from "../../contraction/tiles.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { add, compare, int, min, mul, unflatten } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { fma, load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { widestVector } from "../lane-nest.js";
import { overVectors } from "../over-vectors.js";
import {
  type Chunks,
  chunksOf,
  type RegisterTile,
  registerTile,
  type WinogradSizes,
  winogradSizes,
} from "./winograd-sizes.js";
import {
  directFlops,
  eachTile,
  type Matrices,
  matrixAt,
  openTiles,
  ownMatrices,
  type Place,
  placeOf,
  type TiledPlanes,
} from "./winograd-tiles.js";
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

/** Tiles of a chunk at most, and what a chunk costs beside its own: its filters come from the last cache or from memory. */
const MOST_TILES = 100;
const CHUNK_TILES = 4;
/** Iterations there should be, so that threads share them. */
const LEAST_ITERATIONS = 12;
/** Filters of a part: to transform a channel takes about as long as to multiply it with a tenth of them. */
const LEAST_FILTERS = 64;

function scheduleOf(context: StepContext, description: LanesDescription, sizes: WinogradSizes): Schedule {
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
  const inputs = ownMatrices(writer, chunks.tiles, Math.ceil(sizes.channels / lanes) * lanes);
  const results = ownMatrices(writer, chunks.tiles, blocksOfPart * packed.width);

  const p = writer.parallel(chunks.count * sizes.groups * parts);
  const [chunk, group, part] = unflatten(p, [chunks.count, sizes.groups, parts]).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const where = placeOf(writer, sizes, chunks, chunk);
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
      forTiles(writer, chunks.tiles, tile.rows, (first, count) => {
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
  return draft.close(directFlops(sizes));
}

function transformInput(
  draft: KernelDraft,
  { anchor }: StepContext,
  { sizes, lanes, chunks }: Schedule,
  on: { readonly group: Index; readonly lane: Index; readonly where: Place; readonly inputs: Matrices },
): void {
  const { writer } = draft;
  const { channels, groups, input, pad } = sizes;
  const { group, lane, where, inputs } = on;
  const planes: TiledPlanes = {
    node: anchor.inputs[0],
    channels: groups * channels,
    plane: input,
    pad,
    extent: POINTS,
    transform: inputTransform,
  };
  const tiles = openTiles(draft, sizes, chunks, planes, { lanes, lane });
  const whole = Math.floor(channels / lanes);
  const rest = channels - whole * lanes;
  where.eachImage((image, number) => {
    const transform = (column: Index, count: number): void => {
      const first = writer.integer(add(mul(group, channels), column));
      tiles.transform(inputs, where, image, number, { first, count, column });
    };
    writer.loop(0, whole, (vector) => transform(writer.integer(mul(vector, lanes)), lanes));
    if (rest > 0) transform(int(whole * lanes), rest);
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
      eachTile(writer, sizes, chunks, number, (row, column, tile) => {
        const from = writer.integer(matrixAt(results, tile, mul(vector, lanes)));
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
      });
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
