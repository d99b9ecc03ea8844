import { InternalError } from "../../../proto/errors/index.js";
import { forTiles, range } from "../../contraction/tiles.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { add, addInt, compare, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { fma, type KernelWriter, load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "../../lower/step.js";
import { aligned } from "../contraction/pack.js";
import { widestVector } from "../lane-nest.js";
import { overVectors } from "../over-vectors.js";
import { chooseFilterBlocks, type FilterBlocks, type SideBlocks } from "./filter-blocks.js";
import { POSITION_GAP, type WinogradSizes, winogradSizes } from "./winograd-sizes.js";
import {
  directFlops,
  type Matrices,
  openTiles,
  placeOf,
  positionOf,
  type TiledPlanes,
} from "./winograd-tiles.js";
import {
  filterAdjoint,
  inputTransform,
  outputAdjoint,
  POINTS,
  POSITIONS,
  transformSquare,
} from "./winograd-transforms.js";

/** The gradient of filters in tiles, on its way to kernels. */
interface FilterSums extends FilterBlocks {
  readonly sizes: WinogradSizes;
  readonly lanes: number;
  /** Transformed tiles of a chunk in the workspace, in matrices for each block: of x, and of the gradients. */
  readonly x: TransformedSide;
  readonly y: TransformedSide;
  /** Sums of a block, [position][channel][filter], from one position to the next; and where those of all blocks lie. */
  readonly position: number;
  readonly sumsAt: number;
}

interface TransformedSide extends SideBlocks {
  readonly planes: TiledPlanes;
  /** Channels of a group. */
  readonly channels: number;
  /** Where it lies in the workspace, and what a block takes. */
  readonly at: number;
  readonly elements: number;
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
  const kernels = [lowerTransforms(context, of), lowerProducts(context, of)];
  const { count } = of.chunks;
  if (count === 1) return kernels;
  return range(count).flatMap((chunk) =>
    kernels.map((lowered) => {
      const iterations = lowered.kernel.parallel.extent / count;
      return { ...lowered, range: { from: chunk * iterations, to: (chunk + 1) * iterations } };
    }),
  );
}

function sumsOf(context: StepContext, description: LanesDescription, sizes: WinogradSizes): FilterSums {
  const lanes = widestVector(context);
  const blocks = chooseFilterBlocks(description, sizes, lanes, context.options.realBytes);
  const { groups, channels, filters, input, output, pad, block } = sizes;
  const sideOf = (
    side: SideBlocks,
    at: number,
    own: number,
    planes: Omit<TiledPlanes, "channels">,
  ): TransformedSide => ({
    ...side,
    channels: own,
    planes: { ...planes, channels: groups * own },
    at,
    elements: aligned(POSITIONS * positionOf(blocks.chunks.tiles, side.vectors * lanes)),
  });
  const [x, y] = context.anchor.inputs;
  const ofX = sideOf(blocks.x, 0, channels, {
    node: x,
    plane: input,
    pad,
    extent: POINTS,
    transform: inputTransform,
  });
  const ofY = sideOf(blocks.y, groups * ofX.blocks * ofX.elements, filters, {
    node: y,
    plane: output,
    pad: [0, 0],
    extent: block,
    transform: outputAdjoint,
  });
  return {
    ...blocks,
    sizes,
    lanes,
    x: ofX,
    y: ofY,
    position: ofX.vectors * ofY.vectors * lanes ** 2 + POSITION_GAP,
    sumsAt: ofY.at + groups * ofY.blocks * ofY.elements,
  };
}

const sideElements = ({ sizes }: FilterSums, { blocks, elements }: TransformedSide): number =>
  sizes.groups * blocks * elements;

/** Iterations: vectors of channels of x, then of y, of one chunk after the other. */
function lowerTransforms(context: StepContext, of: FilterSums): LoweredKernel {
  const { sizes, lanes, chunks, x, y } = of;
  const { groups } = sizes;
  const draft = context.open();
  const { writer } = draft;
  const sides = [x, y];
  const memories = sides.map((side) => draft.workspace(side.at, sideElements(of, side)));
  const vectors = sides.map((side) => Math.ceil(side.channels / lanes));
  const shape = [chunks.count, groups * (vectors[0] + vectors[1])];
  const [chunk, own] = unflatten(writer.parallel(shape[0] * shape[1]), shape).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const place = placeOf(writer, sizes, chunks, chunk);
  const opened = sides.map((side) => openTiles(draft, sizes, chunks, side.planes, { lanes, lane }));

  const transform = (side: number, number: Index): void => {
    const { channels, blocks, elements, vectors: wide } = sides[side];
    const [group, vector] = unflatten(number, [groups, vectors[side]]).map((c) => writer.integer(c));
    const [block, inside] = unflatten(vector, [blocks, wide]);
    const row = wide * lanes;
    const to: Matrices = {
      memory: memories[side],
      start: writer.integer(mul(add(mul(group, blocks), block), elements)),
      row,
      position: positionOf(chunks.tiles, row),
    };
    const column = writer.integer(mul(inside, lanes));
    const first = writer.integer(add(mul(group, channels), mul(vector, lanes)));
    const whole = Math.floor(channels / lanes);
    place.eachImage(
      (image, at) => {
        const those = (count: number) => () =>
          opened[side].transform(to, place, image, at, { first, count, column });
        writer.when(compare("lt", vector, int(whole)), those(lanes), those(channels - whole * lanes));
      },
      (at) => opened[side].clear(to, at, column),
    );
  };
  const first = groups * vectors[0];
  writer.when(
    compare("lt", own, int(first)),
    () => transform(0, own),
    () => transform(1, writer.integer(addInt(own, -first), 0, groups * vectors[1] - 1)),
  );
  return draft.close(0, `tiles of ${context.anchor.op} transformed`);
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
  const sides = [x, y].map((side) => draft.workspace(side.at, sideElements(of, side)));
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
  inBlock(writer, channels, x.vectors * lanes, blockX, (ownChannels) =>
    inBlock(writer, Math.ceil(filters / lanes), y.vectors, blockY, (vectors) => {
      const block: Block = {
        group,
        channel: writer.integer(mul(blockX, x.vectors * lanes)),
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

/** The body for a block's extent: the last one may have less. */
function inBlock(
  writer: KernelWriter,
  extent: number,
  each: number,
  block: Index,
  body: (own: number) => void,
): void {
  const last = Math.ceil(extent / each) - 1;
  writer.when(
    extent === (last + 1) * each || compare("lt", block, int(last)),
    () => body(each),
    () => body(extent - last * each),
  );
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
  const [rowX, rowY] = [x.vectors * lanes, y.vectors * lanes];
  const { lane } = sums;
  writer.loop(0, POSITIONS, (position) => {
    const startX = writer.integer(add(fromX.start, mul(position, positionOf(chunks.tiles, rowX))));
    const startY = writer.integer(add(fromY.start, mul(position, positionOf(chunks.tiles, rowY))));
    const start = writer.integer(add(sums.start, mul(position, pitch)));
    forTiles(writer, channels, tile.rows, (first, count) =>
      forTiles(writer, vectors, tile.vectors, (vector, wide) => {
        const own = range(count).map(() => range(wide).map(() => writer.variable(ZERO_VALUE)));
        const gradients = writer.integer(add(startY, mul(vector, lanes)));
        const inputs = writer.integer(add(startX, first));
        writer.loop(0, chunks.tiles, (t) => {
          const right = range(wide).map((i) =>
            writer.real(load(fromY.memory, add(addInt(add(gradients, mul(t, rowY)), i * lanes), lane))),
          );
          own.forEach((line, row) => {
            const left = writer.real(load(fromX.memory, addInt(add(inputs, mul(t, rowX)), row)));
            line.forEach((sum, i) => {
              writer.assign(sum, fma(left, right[i], sum));
            });
          });
        });
        const at = writer.integer(add(start, add(mul(first, rowY), mul(vector, lanes))));
        own.forEach((line, row) => {
          line.forEach((sum, i) => {
            const place = add(addInt(at, row * rowY + i * lanes), lane);
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
  const pitch = x.vectors * lanes * taps;
  const turned = writer.shared("accumulator", lanes * pitch);
  const row = y.vectors * lanes;
  return ({ group, channel, channels, vector, vectors }: Block, { memory, start, lane }: Sums): void =>
    writer.loop(0, vectors, (number) => {
      writer.loop(0, channels, (c) => {
        const from = writer.integer(add(start, add(mul(c, row), mul(number, lanes))));
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
