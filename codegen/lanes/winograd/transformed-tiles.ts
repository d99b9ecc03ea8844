import { range } from "../../contraction/tiles.js";
import { add, addInt, compare, int, mul, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import type { KernelWriter } from "../../kernel/writer.js";
import type { LoweredKernel, StepContext } from "../../lower/step.js";
import { aligned } from "../contraction/pack.js";
import { widestVector } from "../lane-nest.js";
import type { Chunks, WinogradSizes } from "./winograd-sizes.js";
import { type Matrices, openTiles, placeOf, positionOf, type TiledPlanes } from "./winograd-tiles.js";
import { POSITIONS } from "./winograd-transforms.js";

/** Channels of a group in blocks of so many vectors each; the last one may have fewer. */
export interface ChannelBlocks {
  readonly vectors: number;
  readonly blocks: number;
}

/** The transformed tiles of a chunk in the workspace: of each group, matrices for each block of channels. */
export interface TransformedTiles extends ChannelBlocks {
  readonly planes: TiledPlanes;
  /** Channels of a group, and all blocks of all groups. */
  readonly channels: number;
  readonly count: number;
  /** Of a matrix's row, and from one position's to the next. */
  readonly row: number;
  readonly position: number;
  /** Where it lies, and what a block takes. */
  readonly at: number;
  readonly elements: number;
}

/** How the tiles of some planes lie from `at` on. */
export function transformedTiles(
  context: StepContext,
  { groups }: WinogradSizes,
  { tiles }: Chunks,
  blocks: ChannelBlocks,
  planes: TiledPlanes,
  at: number,
): TransformedTiles {
  const row = blocks.vectors * widestVector(context);
  const position = positionOf(tiles, row);
  return {
    ...blocks,
    planes,
    channels: planes.channels / groups,
    count: groups * blocks.blocks,
    row,
    position,
    at,
    elements: aligned(POSITIONS * position),
  };
}

/** Elements of all its blocks. */
export const elementsOf = ({ count, elements }: TransformedTiles): number => count * elements;

/**
 * The kernel that transforms tiles into the workspace. Iterations: vectors of channels of one after the other of `all`, for one
 * chunk after the other.
 */
export function lowerTransforms(
  context: StepContext,
  sizes: WinogradSizes,
  chunks: Chunks,
  all: readonly TransformedTiles[],
): LoweredKernel {
  const { groups } = sizes;
  const lanes = widestVector(context);
  const draft = context.open();
  const { writer } = draft;
  const memories = all.map((tiles) => draft.workspace(tiles.at, elementsOf(tiles)));
  const vectors = all.map(({ channels }) => Math.ceil(channels / lanes));
  const shape = [chunks.count, groups * vectors.reduce((a, b) => a + b)];
  const [chunk, own] = unflatten(writer.parallel(shape[0] * shape[1]), shape).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const place = placeOf(writer, sizes, chunks, chunk);
  const opened = all.map(({ planes }) => openTiles(draft, sizes, chunks, planes, { lanes, lane }));

  const transform = (i: number, number: Index): void => {
    const { channels, blocks, elements, vectors: wide, row, position } = all[i];
    const [group, vector] = unflatten(number, [groups, vectors[i]]).map((c) => writer.integer(c));
    const [block, inside] = unflatten(vector, [blocks, wide]);
    const start = writer.integer(mul(add(mul(group, blocks), block), elements));
    const to: Matrices = { memory: memories[i], start, row, position };
    const column = writer.integer(mul(inside, lanes));
    const first = writer.integer(add(mul(group, channels), mul(vector, lanes)));
    const whole = Math.floor(channels / lanes);
    place.eachImage(
      (image, at) => {
        const those = (count: number) => () =>
          opened[i].transform(to, place, image, at, { first, count, column });
        writer.when(
          channels === whole * lanes || compare("lt", vector, int(whole)),
          those(lanes),
          those(channels - whole * lanes),
        );
      },
      (at) => opened[i].clear(to, at, column),
    );
  };
  const walk = (i: number, number: Index): void => {
    const count = groups * vectors[i];
    if (i === all.length - 1) transform(i, number);
    else
      writer.when(
        compare("lt", number, int(count)),
        () => transform(i, number),
        () => walk(i + 1, writer.integer(addInt(number, -count), 0, groups * vectors[i + 1] - 1)),
      );
  };
  walk(0, own);
  return draft.close(0, `tiles of ${context.anchor.op} transformed`);
}

/** Launches of kernels chunk by chunk: what one leaves in the workspace is still in a cache when the next one reads it. */
export function chunkByChunk(kernels: readonly LoweredKernel[], { count }: Chunks): readonly LoweredKernel[] {
  if (count === 1) return kernels;
  return range(count).flatMap((chunk) =>
    kernels.map((lowered) => {
      const iterations = lowered.kernel.parallel.extent / count;
      return { ...lowered, range: { from: chunk * iterations, to: (chunk + 1) * iterations } };
    }),
  );
}

/** The body for what block number `block` has of an extent in blocks of `each`: the last one may have less. */
export function inBlock(
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
