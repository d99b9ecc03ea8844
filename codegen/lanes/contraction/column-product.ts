import { forTiles, inTile, range, tileCount } from "../../contraction/tiles.js";
import { sizeOf } from "../../ir/graph.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { add, addInt, compare, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { fma, load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "../../lower/step.js";
import { type Columns, type Opened, openAhead, openPanels, openSlices } from "./column-panels.js";
import { chooseColumns } from "./column-schedule.js";
import { flopsOf, type LaneProduct } from "./lane-product.js";
import { aligned, lowerPacking, type Packing, packedAt, packedMemory, packedRoom } from "./pack.js";
import { lowerPadding, paddedElements } from "./pad.js";
import { putTurned } from "./turned-columns.js";

/**
 * An element of a is multiplied with vectors of columns. b is packed where many tiles of rows read it, or where its
 * columns lie apart; else it is streamed as it lies, some rows of it at a time.
 */
export function lowerColumns(
  context: StepContext,
  product: LaneProduct,
  lanes: number,
  description: LanesDescription,
): readonly LoweredKernel[] {
  const { a, b } = product;
  const schedule = chooseColumns(context, product, lanes, description, !context.computed.has(b.node));
  const packing: Packing | undefined =
    schedule.packed === "before"
      ? {
          node: b.node,
          members: { count: b.member === 0 ? 1 : product.members, stride: b.member },
          rows: { count: product.columns, stride: b.column },
          depth: { shape: [product.depth], strides: [b.depth] },
          lanes,
          vectors: schedule.tile.vectors,
        }
      : undefined;
  const [planes, ...rest] = a.node.shape;
  const input = [sizeOf(rest)];
  const copy = context.computed.has(a.node)
    ? { node: a.node, planes, input, padded: input, before: [0] }
    : undefined;
  const atA = packing ? packedRoom(context, packing) : 0;
  const places = { a: atA, parts: atA + aligned(copy ? paddedElements(copy) : 0) };
  const of: Columns = { product, schedule, ...(packing && { packing }), ...(copy && { copy }), places };
  return [
    ...(packing ? [lowerPacking(context, packing, 0)] : []),
    ...(copy ? [lowerPadding(context, copy, lanes, places.a)] : []),
    lowerSums(context, of),
    ...(schedule.parts > 1 ? [lowerJoin(context, of)] : []),
  ];
}

function lowerSums(context: StepContext, of: Columns): LoweredKernel {
  const { product, schedule } = of;
  const { members, rows, columns, depth } = product;
  const { lanes, tile, parts } = schedule;
  const draft = context.open();
  const { writer } = draft;
  const panels = tileCount(Math.ceil(columns / lanes), tile.vectors);
  const shape = [parts, members, tileCount(panels, schedule.panels), tileCount(rows, schedule.rows)];
  const [part, member, across, down] = unflatten(writer.parallel(sizeOf(shape)), shape).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const operands = openOperands(context, draft, of, member, lane);
  const overPanels = openPanels(draft, of, across);
  const opened: Opened = {
    lane,
    member,
    ...operands,
    put: openResults(draft, of, part, member, lane),
    overPanels,
    ...(schedule.packed === "by iteration" && {
      slice: openSlices(draft, schedule, { ...operands, overPanels, lane }),
    }),
    ...(schedule.line && { ahead: openAhead(draft, of, member, across, schedule.line) }),
  };
  const slices = Math.ceil(depth / schedule.depth);
  const each = Math.ceil(slices / parts);
  const begin = mul(part, each);
  const end = min(addInt(begin, each), int(slices));
  inTile(writer, rows, schedule.rows, down, (row, high) => {
    if (slices === 1 && !product.turned) sumAtOnce(draft, of, opened, row, high);
    else sumInSlices(draft, of, opened, row, high, [begin, writer.integer(end)]);
  });
  const note = describe(context.anchor, context.stores);
  return draft.close(flopsOf(product), parts > 1 ? `${note}, in ${parts} parts` : note);
}

function openOperands(
  context: StepContext,
  draft: KernelDraft,
  { product, schedule, packing, copy, places }: Columns,
  member: Index,
  lane: Index,
): Pick<Opened, "a" | "b"> {
  const { writer, evaluate, workspace } = draft;
  const { a, b } = product;
  const { lanes } = schedule;
  const startA = writer.integer(mul(member, a.member));
  const startB = writer.integer(mul(member, b.member));
  const memoryA = copy && workspace(places.a, paddedElements(copy));
  const readA = (row: Index, k: Index): Value => {
    const at = add(startA, add(mul(row, a.row), mul(k, a.depth)));
    return memoryA === undefined ? evaluate.elementAt(a.node, at) : writer.real(load(memoryA, at));
  };
  if (packing) {
    const memory = packedMemory(context, draft, packing, 0);
    const own = b.member === 0 ? int(0) : member;
    return {
      a: readA,
      b: (block, k) =>
        range(block.width).map((vector) =>
          writer.real(load(memory, add(packedAt(packing, { ...block, member: own }, k, vector), lane))),
        ),
    };
  }
  return {
    a: readA,
    b: ({ first, width, used }, k) =>
      range(width).map((vector) => {
        const at = add(add(startB, mul(k, b.depth)), add(mul(addInt(first, vector), lanes), lane));
        return writer.real(
          evaluate.guard(
            vector < width - 1 || compare("lt", lane, int(used)),
            () => evaluate.elementAt(b.node, at),
            () => ZERO_VALUE,
          ),
        );
      }),
  };
}

const paddedColumns = ({ product, schedule: { lanes } }: Columns): number =>
  Math.ceil(product.columns / lanes) * lanes;

const partElements = (of: Columns): number => of.product.members * of.product.rows * paddedColumns(of);

/** How sums are stored: the step's results, or, of a part of them, in the workspace. */
function openResults(
  draft: KernelDraft,
  of: Columns,
  part: Index,
  member: Index,
  lane: Index,
): Opened["put"] {
  const { writer } = draft;
  const { product, schedule, places } = of;
  const { lanes, parts } = schedule;
  if (parts === 1)
    return (row, { first, width, used }, sums) =>
      sums.forEach((value, vector) => {
        const column = add(mul(addInt(first, vector), lanes), lane);
        writer.when(vector < width - 1 || compare("lt", lane, int(used)), () =>
          draft.storeAt(product.coordinates(member, row, column), { type: "real", value }),
        );
      });
  const memory = draft.workspace(places.parts, parts * partElements(of));
  return (row, { first }, sums) =>
    sums.forEach((value, vector) => {
      const line = add(mul(add(mul(part, product.members), member), product.rows), row);
      const column = add(mul(addInt(first, vector), lanes), lane);
      writer.store(memory, add(mul(line, paddedColumns(of)), column), value);
    });
}

/** Adds the products of a stretch of depth to the sums of a tile. */
function addProducts(
  { writer }: KernelDraft,
  a: Opened["a"],
  b: (depth: Index) => readonly Value[],
  start: readonly (readonly Value[])[],
  row: Index,
  [from, to]: readonly [Index, Index],
): readonly (readonly Value[])[] {
  const sums = start.map((line) => line.map((value) => writer.variable(value)));
  writer.loop(from, to, (k) => {
    const vectors = b(k);
    sums.forEach((line, i) => {
      const value = a(addInt(row, i), k);
      line.forEach((sum, j) => {
        writer.assign(sum, fma(value, vectors[j], sum));
      });
    });
  });
  return sums;
}

/** All of depth in registers, a tile of rows after the other. */
function sumAtOnce(
  draft: KernelDraft,
  { product, schedule }: Columns,
  opened: Opened,
  row: Index,
  high: number,
): void {
  forTiles(draft.writer, high, schedule.tile.rows, (i, tall) =>
    opened.overPanels((block) => {
      const first = add(row, i);
      const zeros = range(tall).map(() => range(block.width).map(() => ZERO_VALUE));
      const b = (k: Index): readonly Value[] => opened.b(block, k);
      const sums = addProducts(draft, opened.a, b, zeros, first, [int(0), int(product.depth)]);
      sums.forEach((line, r) => {
        opened.put(addInt(first, r), block, line);
      });
    }),
  );
}

/** A slice of depth after the other, sums kept in memory of the iteration between them. */
function sumInSlices(
  draft: KernelDraft,
  of: Columns,
  opened: Opened,
  row: Index,
  high: number,
  [begin, end]: readonly [Index, Index],
): void {
  const { writer } = draft;
  const { product, schedule } = of;
  const { tile } = schedule;
  const pitch = schedule.panels * tile.vectors;
  const memory = writer.scratch("accumulator", high * pitch);
  const placeOf = (i: Index, panel: Index, vector: number): Index =>
    add(mul(i, pitch), addInt(mul(panel, tile.vectors), vector));
  writer.loop(0, high * pitch, (i) => writer.store(memory, i, ZERO_VALUE));
  writer.loop(begin, end, (slice) => {
    const from = writer.integer(mul(slice, schedule.depth));
    const to = writer.integer(min(addInt(from, schedule.depth), int(product.depth)));
    const sliced = opened.slice?.([from, to]);
    opened.overPanels((block, panel) => {
      const b = (k: Index): readonly Value[] => sliced?.(block, panel, sub(k, from)) ?? opened.b(block, k);
      opened.ahead?.(block, panel, [from, to]);
      forTiles(writer, high, tile.rows, (i, tall) => {
        const at = (r: number, vector: number): Index => placeOf(addInt(i, r), panel, vector);
        const start = range(tall).map((r) => range(block.width).map((vector) => load(memory, at(r, vector))));
        const sums = addProducts(draft, opened.a, b, start, add(row, i), [from, to]);
        sums.forEach((line, r) => {
          line.forEach((sum, vector) => {
            writer.store(memory, at(r, vector), sum);
          });
        });
      });
    });
  });
  if (product.turned) {
    putTurned(draft, of, opened, row, high, (i, panel, vector) => load(memory, placeOf(i, panel, vector)));
    return;
  }
  writer.loop(0, high, (i) =>
    opened.overPanels((block, panel) =>
      opened.put(
        add(row, i),
        block,
        range(block.width).map((vector) => load(memory, placeOf(i, panel, vector))),
      ),
    ),
  );
}

/** Adds the parts of each sum in order. */
function lowerJoin(context: StepContext, of: Columns): LoweredKernel {
  const { product, schedule, places } = of;
  const { members, rows, columns } = product;
  const { lanes, parts } = schedule;
  const draft = context.open();
  const { writer } = draft;
  const vectors = Math.ceil(columns / lanes);
  const stretch = Math.ceil(vectors / Math.ceil(context.target.parallelIterations / (members * rows)));
  const shape = [members, rows, Math.ceil(vectors / stretch)];
  const [member, row, across] = unflatten(writer.parallel(sizeOf(shape)), shape).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const memory = draft.workspace(places.parts, parts * partElements(of));
  const line = writer.integer(mul(add(mul(member, rows), row), paddedColumns(of)));
  const join = (column: Index): void => {
    const at = writer.integer(add(line, column));
    const sum = writer.variable(load(memory, at));
    writer.loop(1, parts, (part) =>
      writer.assign(sum, plus(sum, load(memory, add(at, mul(part, partElements(of)))))),
    );
    draft.storeAt(product.coordinates(member, row, column), { type: "real", value: sum });
  };
  const whole = Math.floor(columns / lanes);
  const from = mul(across, stretch);
  writer.loop(from, writer.integer(min(addInt(from, stretch), int(whole))), (vector) =>
    join(add(mul(vector, lanes), lane)),
  );
  if (whole < vectors)
    writer.when(compare("eq", across, int(shape[2] - 1)), () =>
      writer.when(compare("lt", lane, int(columns - whole * lanes)), () => join(addInt(lane, whole * lanes))),
    );
  const flops = (parts - 1) * members * rows * columns;
  return draft.close(flops, `${describe(context.anchor, context.stores)}, sum of ${parts} parts`);
}
