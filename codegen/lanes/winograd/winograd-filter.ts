import { InternalError } from "../../../proto/errors/index.js";
import { forTiles } from "../../contraction/tiles.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { add, addInt, compare, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "../../lower/step.js";
import { widestVector } from "../lane-nest.js";
import { overVectors } from "../over-vectors.js";
import { chooseFilterBlocks, type FilterBlocks } from "./filter-blocks.js";
import { productSums } from "./tile-products.js";
import {
  chunkByChunk,
  elementsOf,
  inBlock,
  lowerTransforms,
  type TransformedTiles,
  transformedTiles,
} from "./transformed-tiles.js";
import { POSITION_GAP, type WinogradSizes, winogradSizes } from "./winograd-sizes.js";
import { directFlops, type TiledPlanes } from "./winograd-tiles.js";
import {
  filterAdjoint,
  inputTransform,
  outputAdjoint,
  POINTS,
  POSITIONS,
  transformSquare,
} from "./winograd-transforms.js";

/** The gradient of filters in tiles, on its way to kernels. */
interface FilterSums extends Omit<FilterBlocks, "x" | "y"> {
  readonly sizes: WinogradSizes;
  readonly lanes: number;
  readonly x: TransformedTiles;
  /** Of the gradients of outputs. */
  readonly y: TransformedTiles;
  /** Sums of a block, [position][channel][filter], from one position to the next; and where those of all blocks lie. */
  readonly position: number;
  readonly sumsAt: number;
}

/**
 * The gradient of filters in tiles: Gᵀ [Σ (A dy Aᵀ) ⊙ (Bᵀ x B)] G over all tiles. A chunk's tiles are transformed into
 * the workspace and multiplied, chunk after chunk, so that sums are made in one order whatever the threads.
 */
export function lowerWinogradFilter(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target } = context;
  const sizes = anchor.op === "convFilter" ? winogradSizes(anchor) : undefined;
  if (!sizes || !target.lanes) throw new InternalError(`${anchor.op} has no Winograd form`);
  const of = sumsOf(context, target.lanes, sizes);
  return chunkByChunk(
    [lowerTransforms(context, sizes, of.chunks, [of.x, of.y]), lowerProducts(context, of)],
    of.chunks,
  );
}

function sumsOf(context: StepContext, description: LanesDescription, sizes: WinogradSizes): FilterSums {
  const lanes = widestVector(context);
  const { tile, chunks, ...blocks } = chooseFilterBlocks(
    description,
    sizes,
    lanes,
    context.options.realBytes,
  );
  const { groups, channels, filters, input, output, pad, block } = sizes;
  const [nodeX, nodeY] = context.anchor.inputs;
  const planesX: TiledPlanes = {
    node: nodeX,
    channels: groups * channels,
    plane: input,
    pad,
    extent: POINTS,
    transform: inputTransform,
  };
  const planesY: TiledPlanes = {
    node: nodeY,
    channels: groups * filters,
    plane: output,
    pad: [0, 0],
    extent: block,
    transform: outputAdjoint,
  };
  const x = transformedTiles(context, sizes, chunks, blocks.x, planesX, 0);
  const y = transformedTiles(context, sizes, chunks, blocks.y, planesY, elementsOf(x));
  return {
    tile,
    chunks,
    sizes,
    lanes,
    x,
    y,
    position: x.row * y.row + POSITION_GAP,
    sumsAt: y.at + elementsOf(y),
  };
}

/** A block of sums: so many channels, and vectors of filters. */
interface Block {
  readonly group: Index;
  /** The first channel, and vector of filters. */
  readonly channel: Index;
  readonly channels: number;
  readonly vector: Index;
  readonly vectors: number;
}

/** Where an iteration keeps its sums, from `start` on. */
interface Sums {
  readonly memory: Memory;
  readonly start: Index;
  readonly lane: Index;
}

/** Iterations: blocks of channels × filters, of one chunk after the other; the last one's make the filters. */
function lowerProducts(context: StepContext, of: FilterSums): LoweredKernel {
  const { sizes, lanes, chunks, x, y } = of;
  const { groups, channels, filters } = sizes;
  const draft = context.open();
  const { writer } = draft;
  const elements = POSITIONS * of.position;
  const sides = [x, y].map((side) => draft.workspace(side.at, elementsOf(side)));
  const shape = [chunks.count, groups, x.blocks, y.blocks];
  const [chunk, group, blockX, blockY] = unflatten(
    writer.parallel(shape.reduce((a, b) => a * b, 1)),
    shape,
  ).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const number = add(mul(add(mul(group, x.blocks), blockX), y.blocks), blockY);
  const all = groups * x.blocks * y.blocks * elements;
  const sums: Sums =
    chunks.count === 1
      ? { memory: writer.shared("accumulator", elements), start: int(0), lane }
      : {
          memory: draft.workspace(of.sumsAt, all),
          start: writer.integer(mul(number, elements)),
          lane,
        };
  const from = [add(mul(group, x.blocks), blockX), add(mul(group, y.blocks), blockY)].map((block, i) => ({
    memory: sides[i],
    start: writer.integer(mul(block, [x, y][i].elements)),
  }));
  const finish = openEnd(draft, context, of);
  inBlock(writer, channels, x.row, blockX, (ownChannels) =>
    inBlock(writer, Math.ceil(filters / lanes), y.vectors, blockY, (vectors) => {
      const block: Block = {
        group,
        channel: writer.integer(mul(blockX, x.row)),
        channels: ownChannels,
        vector: writer.integer(mul(blockY, y.vectors)),
        vectors,
      };
      multiply(draft, of, block, { from, sums, chunk });
      if (chunks.count === 1) finish(block, sums);
      else writer.when(compare("eq", chunk, int(chunks.count - 1)), () => finish(block, sums));
    }),
  );
  return draft.close(directFlops(sizes), `${describe(context.anchor, context.stores)}, in tiles`);
}

/** The products of all tiles of a chunk, added to sums at each position. */
function multiply(
  { writer, evaluate }: KernelDraft,
  { lanes, chunks, tile, position: pitch, x, y }: FilterSums,
  { channels, vectors }: Block,
  {
    from: [fromX, fromY],
    sums,
    chunk,
  }: {
    readonly from: readonly { readonly memory: Memory; readonly start: Index }[];
    readonly sums: Sums;
    readonly chunk: Index;
  },
): void {
  const { lane } = sums;
  writer.loop(0, POSITIONS, (position) => {
    const startX = writer.integer(add(fromX.start, mul(position, x.position)));
    const startY = writer.integer(add(fromY.start, mul(position, y.position)));
    const start = writer.integer(add(sums.start, mul(position, pitch)));
    forTiles(writer, channels, tile.rows, (first, rows) =>
      forTiles(writer, vectors, tile.vectors, (vector, wide) => {
        const own = productSums(
          writer,
          { rows, vectors: wide },
          chunks.tiles,
          { memory: fromX.memory, start: writer.integer(add(startX, first)), depth: x.row, row: 1 },
          { memory: fromY.memory, start: writer.integer(add(startY, mul(vector, lanes))), depth: y.row },
          { lanes, lane },
        );
        const at = writer.integer(add(start, add(mul(first, y.row), mul(vector, lanes))));
        own.forEach((line, row) => {
          line.forEach((sum, i) => {
            const place = add(addInt(at, row * y.row + i * lanes), lane);
            // Added at the end: to wait for what lies in memory, the next products need not.
            const before = evaluate.guard(
              chunks.count > 1 && compare("ge", chunk, int(1)),
              () => load(sums.memory, place),
              () => ZERO_VALUE,
            );
            writer.store(sums.memory, place, chunks.count > 1 ? plus(sum, before) : sum);
          });
        });
      }),
    );
  });
}

/** What makes filters of a block's sums, turned round so that their elements lie side by side. */
function openEnd(draft: KernelDraft, { anchor }: StepContext, of: FilterSums) {
  const { writer } = draft;
  const { sizes, lanes, x, y } = of;
  const { filters, kernel } = sizes;
  const taps = kernel * kernel;
  const pitch = x.row * taps;
  const turned = writer.shared("accumulator", lanes * pitch);
  return ({ group, channel, channels, vector, vectors }: Block, { memory, start, lane }: Sums): void =>
    writer.loop(0, vectors, (number) => {
      writer.loop(0, channels, (c) => {
        const from = writer.integer(add(start, add(mul(c, y.row), mul(number, lanes))));
        const values: Value[] = [];
        transformSquare(
          writer,
          filterAdjoint(kernel),
          POINTS,
          (i, j) => load(memory, add(addInt(from, (i * POINTS + j) * of.position), lane)),
          (_, line) => values.push(...line),
        );
        writer.stores(turned, add(mul(c, taps), mul(lane, pitch)), values);
      });
      const filter = writer.integer(mul(add(vector, number), lanes), 0, filters - 1);
      const own = writer.integer(min(int(lanes), sub(int(filters), filter)), 1, lanes);
      writer.loop(0, own, (line) => {
        const output = add(mul(group, filters), add(filter, line));
        overVectors(writer, channels * taps, lanes, lane, (at) =>
          draft.storeAt([output, ...unflatten(add(mul(channel, taps), at), anchor.shape.slice(1))], {
            type: "real",
            value: load(turned, add(mul(line, pitch), at)),
          }),
        );
      });
    });
}
