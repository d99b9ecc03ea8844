import { forTiles } from "../../contraction/tiles.js";
import { add, addInt, compare, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import { load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "../../lower/step.js";
import { inputPlanes } from "./input-planes.js";
import { productSums } from "./tile-products.js";
import {
  chunkByChunk,
  elementsOf,
  inBlock,
  lowerTransforms,
  type TransformedTiles,
  transformedTiles,
} from "./transformed-tiles.js";
import { storeTiles } from "./winograd-results.js";
import type { ByFilters } from "./winograd-schedule.js";
import { directFlops, type Matrices, ownMatrices, placeOf } from "./winograd-tiles.js";
import { POSITIONS } from "./winograd-transforms.js";
import { openFilters } from "./winograd-weights.js";

/**
 * A correlation of few tiles with many filters: a kernel transforms the tiles into the workspace, and each iteration of
 * another one transforms a block of filters for itself, some channels at a time, and multiplies all tiles of a chunk with
 * those. Filters are then transformed once for each chunk, and no transformed filter goes through memory.
 */
export function lowerByFilters(context: StepContext, schedule: ByFilters): readonly LoweredKernel[] {
  const { sizes, chunks } = schedule;
  const tiles = transformedTiles(context, sizes, chunks, schedule.channels, inputPlanes(context, sizes), 0);
  return chunkByChunk(
    [lowerTransforms(context, sizes, chunks, [tiles]), lowerProducts(context, schedule, tiles)],
    chunks,
  );
}

/** Iterations: blocks of filters, of one chunk after the other. */
function lowerProducts(context: StepContext, schedule: ByFilters, tiles: TransformedTiles): LoweredKernel {
  const { sizes, lanes, chunks, filters: blocks } = schedule;
  const { groups, channels, filters } = sizes;
  const draft = context.open();
  const { writer } = draft;
  const memory = draft.workspace(tiles.at, elementsOf(tiles));
  const width = blocks.vectors * lanes;
  const results = ownMatrices(writer, chunks.tiles, width);
  const most = Math.min(channels, tiles.row);
  const weights = ownMatrices(writer, most, width);
  const shape = [chunks.count, groups, blocks.blocks];
  const [chunk, group, block] = unflatten(writer.parallel(shape.reduce((a, b) => a * b, 1)), shape).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const opened = openFilters(draft, context, sizes, most, { lanes, lane });
  const firstVector = writer.integer(mul(block, blocks.vectors));
  writer.loop(0, tiles.blocks, (number) =>
    inBlock(writer, channels, tiles.row, number, (count) => {
      const channel = writer.integer(mul(number, tiles.row));
      writer.loop(0, blocks.vectors, (i) =>
        opened.transform(
          { group, vector: writer.integer(add(firstVector, i)), channel, count },
          { ...weights, start: writer.integer(mul(i, lanes)) },
        ),
      );
      const start = writer.integer(mul(add(mul(group, tiles.blocks), number), tiles.elements));
      const inputs: Matrices = { memory, start, row: tiles.row, position: tiles.position };
      multiply(draft, schedule, { inputs, weights, results, lane }, { number, count });
    }),
  );
  const there = sub(int(Math.ceil(filters / lanes)), firstVector);
  storeTiles(draft, schedule, {
    group,
    lane,
    place: placeOf(writer, sizes, chunks, chunk),
    results,
    firstVector,
    vectors: writer.integer(min(int(blocks.vectors), there)),
  });
  return draft.close(directFlops(sizes), `${describe(context.anchor, context.stores)}, in tiles`);
}

/** What a block of channels adds to the results, at each position. */
function multiply(
  { writer, evaluate }: KernelDraft,
  { lanes, chunks, tile, filters }: ByFilters,
  {
    inputs,
    weights,
    results,
    lane,
  }: {
    readonly inputs: Matrices;
    readonly weights: Matrices;
    readonly results: Matrices;
    readonly lane: Index;
  },
  { number, count }: { readonly number: Index; readonly count: number },
): void {
  writer.loop(0, POSITIONS, (position) => {
    const [left, right, to] = [inputs, weights, results].map((side) =>
      writer.integer(add(side.start, mul(position, side.position))),
    );
    forTiles(writer, filters.vectors, tile.vectors, (vector, wide) =>
      forTiles(writer, chunks.tiles, tile.rows, (first, rows) => {
        const column = mul(vector, lanes);
        const sums = productSums(
          writer,
          { rows, vectors: wide },
          count,
          {
            memory: inputs.memory,
            start: writer.integer(add(left, mul(first, inputs.row))),
            depth: 1,
            row: inputs.row,
          },
          { memory: weights.memory, start: writer.integer(add(right, column)), depth: weights.row },
          { lanes, lane },
        );
        const at = writer.integer(add(to, add(mul(first, results.row), column)));
        sums.forEach((line, row) => {
          line.forEach((sum, i) => {
            const place = add(addInt(at, row * results.row + i * lanes), lane);
            // Added at the end: to wait for what lies in memory, the next products need not.
            const before = evaluate.guard(
              compare("ge", number, int(1)),
              () => load(results.memory, place),
              () => ZERO_VALUE,
            );
            writer.store(results.memory, place, plus(sum, before));
          });
        });
      }),
    );
  });
}
