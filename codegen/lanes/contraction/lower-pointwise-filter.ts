import type { ConvSizes } from "../../contraction/conv-sizes.js";
import { sizeOf } from "../../ir/graph.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { add, addInt, int, min, mul, sub, unflatten, ZERO } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "../../lower/step.js";
import { overVectors } from "../over-vectors.js";
import { aligned } from "./pack.js";
import { lowerPadding, openPlanes, type PaddedPlanes, paddedElements } from "./pad.js";
import { firstRow, multiplyBlock, type PanelSums, type Panels } from "./panel-product.js";
import {
  chunkOf,
  filterCut,
  filterShape,
  openTurning,
  type PixelChunk,
  type PointwiseFilter,
} from "./pointwise-filter.js";
import { choosePointwiseFilter } from "./pointwise-filter-schedule.js";

/**
 * The gradient of filters of 1 × 1 as a product of y and x over all pixels: dw[o, c] = Σ over pixels of y[o, pixel] · x[c,
 * pixel], channels of x in lanes. Those are turned round pixel by pixel, chunk by chunk; y is read as it lies.
 *
 * @param copy x with its padding, or as it is computed, where it cannot be read as it lies
 */
export function lowerPointwiseFilter(
  context: StepContext,
  description: LanesDescription,
  sizes: ConvSizes,
  copy: PaddedPlanes | undefined,
  lanes: number,
): readonly LoweredKernel[] {
  const { images, groups, filters, pixels, output } = sizes;
  const [x, y] = [context.anchor.inputs[0], context.anchor.inputs[1]];
  const planes = { planes: images * groups * filters, input: output, padded: output };
  const yCopy: PaddedPlanes | undefined = context.computed.has(y)
    ? { node: y, ...planes, before: output.map(() => 0) }
    : undefined;
  // What is only computed is read once where it is turned round.
  const xCopy = sizes.unpadded ? undefined : copy;
  const atX = aligned(yCopy ? images * groups * filters * pixels : 0);
  const panels = aligned(atX + (xCopy ? paddedElements(xCopy) : 0));
  const schedule = choosePointwiseFilter(sizes, description, lanes, context.options.realBytes);
  const made: PointwiseFilter = {
    sizes,
    schedule,
    lanes,
    x: { node: x, ...(xCopy && { copy: xCopy }), place: atX },
    y: { node: y, ...(yCopy && { copy: yCopy }), place: 0 },
    places: { panels, parts: 0 },
  };
  const parts = aligned(panels + (schedule.shared ? allPanels(made) : 0));
  const of: PointwiseFilter = { ...made, places: { panels, parts } };
  return [
    ...(yCopy ? [lowerPadding(context, yCopy, lanes, 0)] : []),
    ...(xCopy ? [lowerPadding(context, xCopy, lanes, atX)] : []),
    ...(schedule.shared ? [lowerTurning(context, of)] : []),
    lowerSums(context, of),
    ...(schedule.parts.depth > 1 ? [lowerJoin(context, of)] : []),
  ];
}

const allPanels = (of: PointwiseFilter): number => {
  const { chunks, panels, pitch } = filterCut(of);
  return of.sizes.groups * chunks * panels * pitch;
};

/** Turns all of x round, for iterations that share it. */
function lowerTurning(context: StepContext, of: PointwiseFilter): LoweredKernel {
  const { lanes, schedule, sizes, places } = of;
  const { chunks, panels: count, pitch } = filterCut(of);
  const draft = context.open();
  const { writer } = draft;
  const shape = [sizes.groups, chunks, count];
  const iteration = writer.parallel(sizeOf(shape));
  const [group, chunk, panel] = unflatten(iteration, shape).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const memory = draft.workspace(places.panels, allPanels(of));
  const start = writer.integer(mul(iteration, pitch));
  const panels = { memory, start, pitch, vectors: schedule.tile.vectors, lanes, lane };
  openTurning(draft, of, panels)(group, chunkOf(writer, of, chunk), panel, int(1));
  return draft.close(0, `turn ${of.x.node.shape.join("×")} round`);
}

/** Elements from row to row of the sums of a part. */
const columnsOf = (of: PointwiseFilter): number => filterCut(of).panels * filterCut(of).width;

const partElements = (of: PointwiseFilter): number => of.sizes.groups * of.sizes.filters * columnsOf(of);

function lowerSums(context: StepContext, of: PointwiseFilter): LoweredKernel {
  const { sizes, schedule, lanes, places } = of;
  const { tile, shared } = schedule;
  const { width, pitch, panels: allColumns, blocks: allBlocks, chunks, each } = filterCut(of);
  const draft = context.open();
  const { writer } = draft;
  const shape = filterShape(of);
  const [part, group, down, across] = unflatten(writer.parallel(sizeOf(shape)), shape).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const blocks = { rows: sizes.filters, height: tile.rows };
  const rowPitch = each.panels * width + lanes;
  const sums: PanelSums = {
    memory: writer.shared("accumulator", each.blocks * tile.rows * rowPitch),
    pitch: rowPitch,
  };
  const panels: Panels = {
    memory: shared
      ? draft.workspace(places.panels, allPanels(of))
      : writer.shared("accumulator", each.panels * pitch),
    start: ZERO,
    pitch,
    vectors: tile.vectors,
    lanes,
    lane,
  };
  const stretch = (number: Index, size: number, all: number): readonly [Index, Index] => {
    const from = writer.integer(mul(number, size));
    return [from, writer.integer(min(addInt(from, size), int(all)), 1, all)];
  };
  const [fromChunk, toChunk] = stretch(part, each.chunks, chunks);
  const [from, to] = stretch(down, each.blocks, allBlocks);
  const [first, end] = stretch(across, each.panels, allColumns);
  const count = writer.integer(sub(end, first), 1, each.panels);
  const fresh = chunks === 1;
  if (!fresh)
    writer.loop(0, mul(sub(to, from), (tile.rows * rowPitch) / lanes), (vector) =>
      writer.store(sums.memory, add(mul(vector, lanes), lane), ZERO_VALUE),
    );
  const turn = shared ? undefined : openTurning(draft, of, panels);
  const left = openLeft(draft, of, group);
  writer.loop(fromChunk, toChunk, (number) => {
    const chunk = chunkOf(writer, of, number);
    turn?.(group, chunk, first, count);
    const start = shared
      ? writer.integer(mul(add(mul(add(mul(group, chunks), number), allColumns), first), pitch))
      : ZERO;
    writer.loop(0, count, (panel) =>
      writer.loop(from, to, (block) =>
        multiplyBlock(writer, {
          blocks,
          block,
          overDepth: left(chunk),
          panels: { ...panels, start },
          panel,
          sums,
          row: mul(sub(block, from), tile.rows),
          column: mul(panel, width),
          fresh,
        }),
      ),
    );
  });
  const put = openPut(context, draft, of, { part, group });
  writer.loop(from, to, (block) => {
    const row = firstRow(blocks, block);
    writer.loop(row, firstRow(blocks, addInt(block, 1)), (filter) => {
      const kept = writer.integer(mul(add(mul(sub(block, from), tile.rows), sub(filter, row)), rowPitch));
      overColumns(draft, of, lane, { first, count }, (at) =>
        put(filter, add(mul(first, width), at), load(sums.memory, add(kept, at))),
      );
    });
  });
  const { images, groups, filters, pixels, channels } = sizes;
  const note = describe(context.anchor, context.stores);
  return draft.close(
    2 * images * groups * filters * pixels * channels,
    schedule.parts.depth > 1 ? `${note}, in ${shape[0]} parts` : note,
  );
}

/** Columns of an iteration in lanes: whole panels, and what of the last one are channels. */
function overColumns(
  { writer }: KernelDraft,
  of: PointwiseFilter,
  lane: Index,
  { first, count }: { readonly first: Index; readonly count: Index },
  body: (at: Index) => void,
): void {
  const { width, panels } = filterCut(of);
  const rest = of.sizes.channels - (panels - 1) * width;
  writer.loop(0, count, (panel) => {
    const inPanel = (columns: number): void =>
      overVectors(writer, columns, of.lanes, lane, (at) => body(add(mul(panel, width), at)));
    if (rest === width) inPanel(width);
    else
      writer.when(
        { kind: "compare", cmp: "lt", a: add(first, panel), b: int(panels - 1) },
        () => inPanel(width),
        () => inPanel(rest),
      );
  });
}

/** Elements of y, pixel by pixel. */
function openLeft(draft: KernelDraft, of: PointwiseFilter, group: Index) {
  const { writer } = draft;
  const { groups, filters, pixels } = of.sizes;
  const { unit } = filterCut(of);
  const source = openPlanes(draft, of.y);
  return ({ image, images, unit: first, units }: PixelChunk) =>
    (
      { first: row0 }: { readonly first: Index },
      body: (depth: Index, left: (row: number) => Value) => void,
    ): void => {
      const length = writer.integer(mul(units, unit));
      writer.loop(0, images, (own) => {
        const member = add(mul(add(image, own), groups), group);
        const from = writer.integer(add(mul(add(mul(member, filters), row0), pixels), mul(first, unit)));
        const depth = writer.integer(mul(own, of.schedule.chunk.units * unit));
        writer.loop(0, length, (pixel) =>
          body(add(depth, pixel), (row) => source(addInt(add(from, pixel), row * pixels))),
        );
      });
    };
}

/** Ends the work on some sums of a row, columns in lanes: the step's results, or, of a part of them, in the workspace. */
function openPut(
  { anchor }: StepContext,
  draft: KernelDraft,
  of: PointwiseFilter,
  { part, group }: { readonly part: Index; readonly group: Index },
): (row: Index, column: Index, value: Value) => void {
  const { filters, channels } = of.sizes;
  if (of.schedule.parts.depth === 1)
    return (row, column, value) => {
      const at = add(mul(add(mul(group, filters), row), channels), column);
      draft.storeAt(unflatten(at, anchor.shape), { type: "real", value });
    };
  const memory = draft.workspace(of.places.parts, filterShape(of)[0] * partElements(of));
  return (row, column, value) => {
    const line = add(mul(add(mul(part, of.sizes.groups), group), filters), row);
    draft.writer.store(memory, add(mul(line, columnsOf(of)), column), value);
  };
}

/** Adds the parts of each sum in order. */
function lowerJoin(context: StepContext, of: PointwiseFilter): LoweredKernel {
  const { sizes, lanes, places } = of;
  const { groups, filters, channels } = sizes;
  const [parts] = filterShape(of);
  const draft = context.open();
  const { writer } = draft;
  const row = writer.parallel(groups * filters);
  const lane = writer.team(lanes);
  const memory = draft.workspace(places.parts, parts * partElements(of));
  overVectors(writer, channels, lanes, lane, (column) => {
    const at = add(mul(row, columnsOf(of)), column);
    const sum = writer.variable(load(memory, at));
    writer.loop(1, parts, (part) =>
      writer.assign(sum, plus(sum, load(memory, add(at, mul(part, partElements(of)))))),
    );
    const to = add(mul(row, channels), column);
    draft.storeAt(unflatten(to, context.anchor.shape), { type: "real", value: sum });
  });
  const flops = (parts - 1) * sizeOf(context.anchor.shape);
  return draft.close(flops, `${describe(context.anchor, context.stores)}, sum of ${parts} parts`);
}
