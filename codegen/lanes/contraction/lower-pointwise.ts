import { sizeOf } from "../../ir/graph.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { add, addInt, int, min, mul, sub, unflatten, ZERO } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import { load, ZERO_VALUE } from "../../kernel/writer.js";
import type { LoweredKernel, StepContext } from "../../lower/step.js";
import { aligned } from "./pack.js";
import { lowerPadding, paddedElements } from "./pad.js";
import { firstRow, multiplyBlock, type PanelSums, type Panels } from "./panel-product.js";
import { cutOf, inRows, type Pointwise, type PointwiseProduct, partOf, pointwiseSizes } from "./pointwise.js";
import { lowerPanels, openPacking, panelElements, panelsStart } from "./pointwise-panels.js";
import { inPanels, openResults } from "./pointwise-results.js";
import { choosePointwise } from "./pointwise-schedule.js";
import { blockedAt, blockedMemory, blockedRoom, lowerRowBlocks } from "./row-blocks.js";

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
  const schedule = choosePointwise(pointwiseSizes(of), description, lanes, context.options.realBytes);
  const weights = { ...of.weights, height: schedule.tile.rows };
  const { copy } = of.source;
  const source = blockedRoom(context, weights);
  const panels = aligned(source + (copy ? paddedElements(copy) : 0));
  const product: PointwiseProduct = { of, schedule, lanes, weights, places: { weights: 0, source, panels } };
  return [
    lowerRowBlocks(context, weights, lanes, 0),
    ...(copy ? [lowerPadding(context, copy, lanes, source)] : []),
    ...(schedule.shared ? [lowerPanels(context, product)] : []),
    lowerProduct(context, product),
  ];
}

function lowerProduct(context: StepContext, product: PointwiseProduct): LoweredKernel {
  const { of, schedule, lanes, weights, places } = product;
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
  const packed = blockedMemory(context, draft, weights, places.weights);
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
  const rowOf = (block: Index): Index => mul(sub(block, from), tile.rows);
  if (chunks > 1)
    writer.loop(0, mul(sub(to, from), (tile.rows * rowPitch) / lanes), (vector) =>
      writer.store(sums.memory, add(mul(vector, lanes), lane), ZERO_VALUE),
    );
  writer.loop(0, chunks, (chunk) => {
    const start = writer.integer(mul(chunk, schedule.depth));
    const depth = writer.integer(min(int(schedule.depth), sub(int(of.channels), start)), 1, schedule.depth);
    fill?.(start, ZERO, depth);
    const own = shared ? { ...panels, start: writer.integer(panelsStart(product, part, chunk)) } : panels;
    writer.loop(0, part.panels, (panel) =>
      writer.loop(from, to, (block) => {
        multiplyBlock(writer, {
          blocks,
          block,
          overDepth: ({ height }, body) =>
            writer.loop(0, depth, (k) => {
              const to = { member: part.group, block, height };
              body(k, (row) => load(packed, blockedAt(weights, to, row, add(start, k))));
            }),
          panels: own,
          panel,
          sums,
          row: atOnce ? ZERO : rowOf(block),
          column: atOnce ? ZERO : mul(panel, width),
          fresh: chunks === 1,
        });
        if (atOnce) results.putPanel(firstRow(blocks, block), firstRow(blocks, addInt(block, 1)), panel);
      }),
    );
  });
  if (!atOnce)
    writer.loop(from, to, (block) =>
      results.putRows(firstRow(blocks, block), firstRow(blocks, addInt(block, 1)), rowOf(block)),
    );
  return draft.close(2 * of.images * groups * of.channels * of.results * sizeOf(of.pixels));
}
