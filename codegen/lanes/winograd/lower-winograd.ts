import { InternalError } from "../../../proto/errors/index.js";
import { forTiles } from "../../contraction/tiles.js";
import { add, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import { ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { inputPlanes } from "./input-planes.js";
import { productSums } from "./tile-products.js";
import { lowerByFilters } from "./winograd-by-filters.js";
import { storeTiles } from "./winograd-results.js";
import { type Packed, scheduleOf } from "./winograd-schedule.js";
import { winogradSizes } from "./winograd-sizes.js";
import { directFlops, type Matrices, openTiles, ownMatrices, type Place, placeOf } from "./winograd-tiles.js";
import { POSITIONS } from "./winograd-transforms.js";
import { filterMemory, packedAt, packFilters } from "./winograd-weights.js";

/** A convolution or the gradient of its input in tiles: a kernel for the filters, and one for all the rest. */
export function lowerWinograd(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target, options } = context;
  if ((anchor.op !== "conv" && anchor.op !== "convData") || !target.lanes)
    throw new InternalError(`lowerWinograd of ${anchor.op}`);
  const sizes = winogradSizes(anchor);
  if (!sizes) throw new InternalError(`${anchor.op} has no Winograd form`);
  const schedule = scheduleOf(target.lanes, sizes, options.realBytes, context.isSteady(anchor.inputs[1]));
  return "packed" in schedule
    ? [packFilters(context, sizes, schedule.packed, schedule.lanes), inTiles(context, schedule)]
    : lowerByFilters(context, schedule);
}

function inTiles(context: StepContext, schedule: Packed): LoweredKernel {
  const { sizes, lanes, chunks, packed, parts, blocksOfPart, tile } = schedule;
  const draft = context.open();
  const { writer } = draft;
  const filters = filterMemory(context, draft, packed);
  const inputs = ownMatrices(writer, chunks.tiles, Math.ceil(sizes.channels / lanes) * lanes);
  const results = ownMatrices(writer, chunks.tiles, blocksOfPart * packed.width);

  const p = writer.parallel(chunks.count * sizes.groups * parts);
  const [chunk, group, part] = unflatten(p, [chunks.count, sizes.groups, parts]).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const place = placeOf(writer, sizes, chunks, chunk);
  const firstBlock = writer.integer(mul(part, blocksOfPart));
  const blocks = writer.integer(min(int(blocksOfPart), add(int(packed.blocks), mul(firstBlock, -1))));

  // Tiles of images that the last chunk has too much are multiplied like all others: they must hold numbers.
  if (chunks.images * (chunks.count / chunks.parts) > sizes.images)
    writer.prologue(() =>
      writer.loop(0, (POSITIONS * inputs.position) / lanes, (i) =>
        writer.store(inputs.memory, add(mul(i, lanes), lane), ZERO_VALUE),
      ),
    );
  transformInput(draft, context, schedule, { group, lane, place, inputs });
  writer.loop(0, POSITIONS, (position) =>
    writer.loop(0, blocks, (block) => {
      const u = writer.integer(packedAt(packed, group, position, add(firstBlock, block)));
      forTiles(writer, chunks.tiles, tile.rows, (first, count) => {
        const m = add(
          mul(position, results.position),
          add(mul(first, results.row), mul(block, packed.width)),
        );
        const sums = productSums(
          writer,
          { rows: count, vectors: tile.vectors },
          sizes.channels,
          {
            memory: inputs.memory,
            start: writer.integer(add(mul(position, inputs.position), mul(first, inputs.row))),
            depth: 1,
            row: inputs.row,
          },
          { memory: filters, start: u, depth: packed.width },
          { lanes, lane },
        );
        sums.forEach((line, t) => {
          line.forEach((sum, i) => {
            writer.store(results.memory, add(m, add(int(t * results.row + i * lanes), lane)), sum);
          });
        });
      });
    }),
  );
  const wide = packed.width / lanes;
  const firstVector = writer.integer(mul(firstBlock, wide));
  const there = sub(int(Math.ceil(sizes.filters / lanes)), firstVector);
  const vectors = writer.integer(min(mul(blocks, wide), there));
  storeTiles(draft, schedule, { group, lane, place, results, firstVector, vectors });
  return draft.close(directFlops(sizes));
}

function transformInput(
  draft: KernelDraft,
  context: StepContext,
  { sizes, lanes, chunks }: Packed,
  on: { readonly group: Index; readonly lane: Index; readonly place: Place; readonly inputs: Matrices },
): void {
  const { writer } = draft;
  const { channels } = sizes;
  const { group, lane, place, inputs } = on;
  const tiles = openTiles(draft, sizes, chunks, inputPlanes(context, sizes), { lanes, lane });
  const whole = Math.floor(channels / lanes);
  const rest = channels - whole * lanes;
  place.eachImage((image, number) => {
    const transform = (column: Index, count: number): void => {
      const first = writer.integer(add(mul(group, channels), column));
      tiles.transform(inputs, place, image, number, { first, count, column });
    };
    writer.loop(0, whole, (vector) => transform(writer.integer(mul(vector, lanes)), lanes));
    if (rest > 0) transform(int(whole * lanes), rest);
  });
}
