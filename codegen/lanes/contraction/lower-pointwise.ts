import { sizeOf } from "../../ir/graph.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { add, addInt, int, min, mul, sub, unflatten, ZERO } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { aligned } from "./pack.js";
import { lowerPadding, paddedElements } from "./pad.js";
import { firstRow, multiplyBlock, type PanelSums, type Panels } from "./panel-product.js";
import { lowerPanels, openPacking, panelElements, panelsStart } from "./pointwise-panels.js";
import {
  cutOf,
  inRows,
  type Pointwise,
  type PointwiseProduct,
  partOf,
  pointwiseSizes,
} from "./pointwise-product.js";
import { inPanels, openResults } from "./pointwise-results.js";
import { choosePointwise } from "./pointwise-schedule.js";
import {
  type BlockedRows,
  blockedAt,
  blockedElements,
  blockedMemory,
  blockedRoom,
  lowerRowBlocks,
  openRows,
  type RowsTarget,
} from "./row-blocks.js";

/**
 * Pixels lie in lanes: planes are read and results are stored as they lie, an element of the weights meets vectors of
 * pixels.
 */
export function lowerPointwise(
  context: StepContext,
  description: LanesDescription,
  made: Pointwise,
  lanes: number,
): readonly LoweredKernel[] {
  const of = inRows(made);
  const chosen = choosePointwise(pointwiseSizes(of), description, lanes, context.options.realBytes);
  // Rows that are kept from pass to pass cost nothing.
  const schedule = { ...chosen, ownRows: chosen.ownRows && !context.isSteady(of.weights.node) };
  const weights = { ...of.weights, height: schedule.tile.rows };
  const { copy } = of.source;
  const source = schedule.ownRows ? 0 : blockedRoom(context, weights);
  const panels = aligned(source + (copy ? paddedElements(copy) : 0));
  const product: PointwiseProduct = { of, schedule, lanes, weights, places: { weights: 0, source, panels } };
  return [
    ...(schedule.ownRows ? [] : [lowerRowBlocks(context, weights, lanes, 0)]),
    ...(copy ? [lowerPadding(context, copy, lanes, source)] : []),
    ...(schedule.shared ? [lowerPanels(context, product)] : []),
    lowerProduct(context, product),
  ];
}

function lowerProduct(context: StepContext, product: PointwiseProduct): LoweredKernel {
  const { of, schedule, lanes, places } = product;
  const { tile, shared } = schedule;
  const { width, panels: mostPanels, pitch, elements, groups, images, pieces, chunks } = cutOf(product);
  const draft = context.open();
  const { writer } = draft;
  const blocks = { rows: of.results, height: tile.rows };
  const all = Math.ceil(blocks.rows / blocks.height);
  const each = Math.ceil(all / schedule.parts);
  const shape = [groups * images * pieces, Math.ceil(all / each)];
  const [number, share] = unflatten(writer.parallel(sizeOf(shape)), shape).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const part = partOf(writer, product, number);
  const atOnce = chunks === 1 && inPanels(product);
  const rowPitch = atOnce ? width : mostPanels * width + lanes;
  const sums: PanelSums = {
    memory: writer.shared("accumulator", (atOnce ? 1 : each) * tile.rows * rowPitch),
    pitch: rowPitch,
  };
  const memory = shared
    ? draft.workspace(places.panels, panelElements(product))
    : writer.shared("accumulator", elements);
  const panels: Panels = { memory, start: ZERO, pitch, vectors: tile.vectors, lanes, lane };
  const fill = shared ? undefined : openPacking(draft, product, part, panels);
  const results = openResults(context, draft, product, part, { sums, lane });
  const from = writer.integer(mul(share, each));
  const to = writer.integer(min(addInt(from, each), int(all)), 1, all);
  const rows = openWeights(context, draft, product, {
    lane,
    member: part.group,
    blocks: [from, to],
    most: each,
  });
  const rowOf = (block: Index): Index => mul(sub(block, from), tile.rows);
  if (chunks > 1)
    writer.loop(0, mul(sub(to, from), (tile.rows * rowPitch) / lanes), (vector) =>
      writer.store(sums.memory, add(mul(vector, lanes), lane), ZERO_VALUE),
    );
  writer.loop(0, chunks, (chunk) => {
    const start = writer.integer(mul(chunk, schedule.depth));
    const depth = writer.integer(min(int(schedule.depth), sub(int(of.channels), start)), 1, schedule.depth);
    fill?.(start, ZERO, depth);
    const weight = rows(start, depth);
    const own = shared ? { ...panels, start: writer.integer(panelsStart(product, part, chunk)) } : panels;
    writer.loop(0, part.panels, (panel) =>
      writer.loop(from, to, (block) => {
        const [first, end] = [firstRow(blocks, block), firstRow(blocks, addInt(block, 1))];
        if (atOnce) results.askForPanel(first, end, panel);
        multiplyBlock(writer, {
          blocks,
          block,
          overDepth: ({ height }, body) =>
            writer.loop(0, depth, (k) => {
              body(k, (row) => weight(block, height, row, k));
            }),
          panels: own,
          panel,
          sums,
          row: atOnce ? ZERO : rowOf(block),
          column: atOnce ? ZERO : mul(panel, width),
          fresh: chunks === 1,
        });
        if (atOnce) results.putPanel(first, end, panel);
      }),
    );
  });
  if (!atOnce)
    writer.loop(from, to, (block) =>
      results.putRows(firstRow(blocks, block), firstRow(blocks, addInt(block, 1)), rowOf(block)),
    );
  return draft.close(2 * of.images * groups * of.channels * of.results * sizeOf(of.pixels));
}

/** The weights of a chunk: those that lie ready, or those of the iteration's blocks, which it lays out first. */
function openWeights(
  context: StepContext,
  draft: KernelDraft,
  { weights, schedule, lanes, places }: PointwiseProduct,
  own: {
    readonly lane: Index;
    readonly member: Index;
    readonly blocks: readonly [Index, Index];
    readonly most: number;
  },
) {
  const { lane, member, blocks, most } = own;
  type Weight = (block: Index, height: number, row: number, k: Index) => Value;
  if (!schedule.ownRows) {
    const memory = blockedMemory(context, draft, weights, places.weights);
    return (start: Index): Weight =>
      (block, height, row, k) =>
        load(memory, blockedAt(weights, { member, block, height }, row, add(start, k)));
  }
  const kept: BlockedRows = {
    ...weights,
    members: { count: 1, stride: 0 },
    rows: { ...weights.rows, count: most * weights.height },
    depth: { ...weights.depth, count: schedule.depth },
  };
  const memory = draft.writer.shared("accumulator", blockedElements(kept));
  const copy = openRows(context, draft, weights, { lanes, lane, member });
  return (start: Index, depth: Index): Weight => {
    const at: RowsTarget["at"] = (block, height, row, k) =>
      blockedAt(kept, { member: ZERO, block: sub(block, blocks[0]), height }, row, k);
    const end = draft.writer.integer(add(start, depth));
    copy(
      { memory, at: (block, height, row, k) => at(block, height, row, sub(k, start)) },
      blocks,
      [start, end],
      true,
    );
    return (block, height, row, k) => load(memory, at(block, height, row, k));
  };
}
