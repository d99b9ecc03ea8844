import type { ConvSizes } from "../../contraction/conv-sizes.js";
import { overShape } from "../../contraction/positions.js";
import { forTiles, inTile, range, tileCount } from "../../contraction/tiles.js";
import { type Node, sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, flatten, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Condition, Index, Memory, Value } from "../../kernel/kernel.js";
import { fma, load, ZERO_VALUE } from "../../kernel/writer.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "../../lower/step.js";
import { lanesFor, widestVector } from "../lane-nest.js";
import { sumOfLanes } from "./dot-product.js";
import { joinParts } from "./join-parts.js";
import { copyOf, linesOf } from "./lane-conv.js";
import { overRow } from "./over-row.js";
import { choosePixelFilters, chunksOf, type PixelFilterSchedule } from "./pixel-filter-schedule.js";
import { type OpenedRows, openRows, overColumnTiles, type PixelRows } from "./pixel-source.js";

/** The gradient of a convolution's filters with pixels in the lanes, on its way to kernels. */
export interface PixelFilter {
  /** Of two axes at least. */
  readonly sizes: ConvSizes;
  readonly x: PixelRows;
  readonly y: Node;
  readonly schedule: PixelFilterSchedule;
}

/** The best way with pixels in the lanes, if there is any. */
export function choosePixelFilter(context: StepContext, made: ConvSizes): PixelFilter | undefined {
  const { anchor, target, options } = context;
  const [x, y] = anchor.inputs;
  // A kernel of one tap is a product of matrices, and y is read often.
  if (!target.lanes || made.taps === 1 || context.computed.has(y)) return undefined;
  const sizes = withRows(made);
  const { channels, images, groups, input, output, stride } = sizes;
  const last = output.length - 1;
  const copy = copyOf(context, x, sizes);
  const before = input.map(() => 0);
  const rows: PixelRows = {
    channels,
    planes: copy ?? { node: x, planes: images * groups * channels, input, padded: input, before },
    lines: linesOf(sizes),
    inPlace: copy === undefined && stride[last] === 1,
    lanes: lanesFor(output[last], widestVector(context)),
  };
  const description = { ...target, lanes: target.lanes };
  return { sizes, x: rows, y, schedule: choosePixelFilters(sizes, rows, description, options.realBytes) };
}

/** A plane of one axis as one row. */
function withRows(sizes: ConvSizes): ConvSizes {
  if (sizes.output.length > 1) return sizes;
  const { input, kernel, output, padded, pad, stride, dilation } = sizes;
  return {
    ...sizes,
    input: [1, ...input],
    kernel: [1, ...kernel],
    output: [1, ...output],
    padded: [1, ...padded],
    pad: [0, ...pad],
    stride: [1, ...stride],
    dilation: [1, ...dilation],
  };
}

/**
 * dw[o, c, tap] = Σ over images and pixels of y[n, o, p] · x[n, c, p·stride + tap·dilation − pad], with neighbouring pixels of a
 * row in the lanes: y is read as it lies, and each sum is a vector until its lanes are added, once at the end.
 */
export function lowerPixelFilter(context: StepContext, of: PixelFilter): readonly LoweredKernel[] {
  const { parts } = of.schedule;
  return [lowerSums(context, of), ...(parts > 1 ? [joinParts(context, parts, 0)] : [])];
}

/** What an iteration has at hand in one of its chunks. */
interface Opened extends PixelFilter {
  readonly draft: KernelDraft;
  readonly lane: Index;
  /** `[filter of the iteration][channel][tap]`, a vector each. */
  readonly sums: Memory;
  readonly source: OpenedRows;
  /** Where y's rows of the iteration's first filter begin, and how many of them there are. */
  readonly y0: Index;
  readonly rows: Index;
}

const sumsOfFilter = ({ channels, taps }: ConvSizes): number => channels * taps;

function lowerSums(context: StepContext, of: PixelFilter): LoweredKernel {
  const { sizes, x, schedule } = of;
  const { images, groups, filters, channels, taps, pixels, output } = sizes;
  const { parts } = schedule;
  const own = sumsOfFilter(sizes);
  const blocks = tileCount(filters, schedule.filters);
  const draft = context.open();
  const { writer } = draft;
  const shape = [parts, groups, blocks];
  const [part, group, block] = unflatten(writer.parallel(sizeOf(shape)), shape).map((c) => writer.integer(c));
  const lane = writer.team(x.lanes);
  const sums = writer.scratch("accumulator", schedule.filters * own);
  writer.loop(0, schedule.filters * own, (i) => writer.store(sums, i, ZERO_VALUE));
  const chunkShape = chunksOf(sizes, schedule.rows);
  const chunks = sizeOf(chunkShape);
  const each = Math.ceil(chunks / parts);
  const from = mul(part, each);
  const [height, length] = output.slice(-2);
  writer.loop(from, writer.integer(min(addInt(from, each), int(chunks)), 1, chunks), (chunk) => {
    const [image, ...inner] = unflatten(chunk, chunkShape).map((c) => writer.integer(c));
    const outer = inner.slice(0, -1);
    const row = writer.integer(mul(inner[inner.length - 1], schedule.rows));
    const member = writer.integer(add(mul(image, groups), group));
    const source = openRows(draft, x, lane, { member, outer, row, rows: schedule.rows });
    const rows = writer.integer(min(int(schedule.rows), sub(int(height), row)), 1, schedule.rows);
    inTile(writer, filters, schedule.filters, block, (first, count) => {
      const plane = mul(add(mul(member, filters), first), pixels);
      const y0 = writer.integer(add(plane, mul(flatten([...outer, row], output.slice(0, -1)), length)));
      sumChunk({ ...of, draft, lane, sums, source, y0, rows }, count);
    });
  });
  const turned = writer.shared("accumulator", x.lanes * x.lanes);
  const partial = parts > 1 ? draft.workspace(0, parts * groups * filters * own) : undefined;
  inTile(writer, filters, schedule.filters, block, (first, count) => {
    const base = writer.integer(mul(add(mul(group, filters), first), own));
    overSums(draft, { lane, sums, turned, lanes: x.lanes }, count * own, (at, value) => {
      if (partial === undefined)
        draft.storeAt(unflatten(add(base, at), context.anchor.shape), { type: "real", value });
      else writer.store(partial, add(add(mul(part, groups * filters * own), base), at), value);
    });
  });
  const note = describe(context.anchor, context.stores);
  return draft.close(
    2 * images * groups * filters * pixels * channels * taps,
    parts > 1 ? `${note}, in ${parts} parts` : note,
  );
}

/** Adds the lanes of each of an iteration's sums, and hands on as many of those as there are lanes. */
function overSums(
  { writer }: KernelDraft,
  {
    lane,
    sums,
    turned,
    lanes,
  }: { readonly lane: Index; readonly sums: Memory; readonly turned: Memory; readonly lanes: number },
  count: number,
  put: (at: Index, value: Value) => void,
): void {
  const rest = count % lanes;
  const sumAt = (first: Index, used: number): Value =>
    sumOfLanes(
      writer,
      turned,
      lane,
      range(lanes).map((i) => (i < used ? load(sums, addInt(first, i)) : ZERO_VALUE)),
    );
  writer.loop(0, count - rest, (first) => put(add(first, lane), sumAt(first, lanes)), lanes);
  if (rest === 0) return;
  const last = sumAt(int(count - rest), rest);
  writer.when(compare("lt", lane, int(rest)), () => put(addInt(lane, count - rest), last));
}

/** A tile of sums: filters of the iteration, and taps of one channel along rows and columns. */
interface TileAt {
  readonly filter: Index;
  readonly filters: number;
  readonly channel: Index;
  readonly outer: readonly Index[];
  readonly row: Index;
  readonly rows: number;
  readonly column: Index;
  readonly columns: number;
  offset(column: number): Index;
}

/** Adds what the pixels of a chunk give to all sums of an iteration. */
function sumChunk(opened: Opened, count: number): void {
  const { draft, sizes, schedule, source } = opened;
  const { writer } = draft;
  const { tile } = schedule;
  const { channels, kernel } = sizes;
  const [height, width] = kernel.slice(-2);
  forTiles(writer, count, tile.filters, (filter, filters) =>
    overShape(writer, [channels, ...kernel.slice(0, -2)], ([channel, ...outer]) =>
      forTiles(writer, height, tile.rows, (row, rows) =>
        overColumnTiles(writer, source.columns, width, tile.columns, (column, columns, offset) =>
          sumTile(opened, { filter, filters, channel, outer, row, rows, column, columns, offset }),
        ),
      ),
    ),
  );
}

function sumTile(opened: Opened, tile: TileAt): void {
  const { draft, sizes, x, sums, source } = opened;
  const { writer } = draft;
  const { kernel, dilation, output, taps } = sizes;
  const length = output[output.length - 1];
  const apart = dilation[dilation.length - 2];
  const boxes = range(tile.rows).flatMap((r) => range(tile.columns).map((c) => [r, c] as const));
  const placeOf = (f: number, [r, c]: readonly [number, number]): Index => {
    const tap = flatten([...tile.outer, addInt(tile.row, r), addInt(tile.column, c)], kernel);
    return add(mul(addInt(tile.filter, f), sumsOfFilter(sizes)), add(mul(tile.channel, taps), tap));
  };
  const own = range(tile.filters).map((f) =>
    boxes.map((box) => writer.variable(load(sums, placeOf(f, box)))),
  );
  const from = tile.outer.reduce(
    (at, t, axis) => add(at, mul(t, source.before[axis])),
    mul(tile.channel, source.channel),
  );
  const firstX = writer.integer(add(from, mul(tile.row, apart * source.row)));
  const firstY = writer.integer(add(opened.y0, mul(tile.filter, sizes.pixels)));
  writer.loop(0, opened.rows, (row) => {
    const startX = writer.integer(add(firstX, source.start(row, int(0))));
    const startY = writer.integer(add(firstY, mul(row, length)));
    const turn = (column: Index, some: Condition | boolean): void => {
      // Neighbouring vectors share elements of x: kept from one to the next, they would take the sums' registers.
      writer.barrier();
      const at = add(column, opened.lane);
      const element = (value: () => Value): Value =>
        writer.real(draft.evaluate.guard(some, value, () => ZERO_VALUE));
      const yAt = (f: number): Value =>
        element(() => draft.evaluate.elementAt(opened.y, add(startY, addInt(at, f * sizes.pixels))));
      const xAt = ([r, c]: readonly [number, number]): Value =>
        element(() => source.at(add(add(startX, at), addInt(tile.offset(c), r * apart * source.row))));
      multiply(opened, own, boxes, yAt, xAt);
    };
    const whole = Math.floor(length / x.lanes);
    const products = tile.filters * boxes.length;
    overRow(writer, [int(0), int(whole)], products, (vector) => turn(mul(vector, x.lanes), true));
    const rest = length - whole * x.lanes;
    if (rest > 0) turn(int(whole * x.lanes), compare("lt", opened.lane, int(rest)));
  });
  own.forEach((line, f) => {
    line.forEach((sum, i) => {
      writer.store(sums, placeOf(f, boxes[i]), sum);
    });
  });
}

type Sum = Value & { readonly kind: "local" };

/**
 * Adds the products of one vector of pixels: those of which there are fewer stay in registers. A barrier after what is
 * loaded: a compiler that may would load it again for each product.
 */
function multiply<Box>(
  { draft: { writer } }: Opened,
  sums: readonly (readonly Sum[])[],
  boxes: readonly Box[],
  yAt: (filter: number) => Value,
  xAt: (box: Box) => Value,
): void {
  if (sums.length <= boxes.length) {
    const ys = sums.map((_, f) => yAt(f));
    boxes.forEach((box, i) => {
      const value = xAt(box);
      writer.barrier();
      sums.forEach((line, f) => {
        writer.assign(line[i], fma(ys[f], value, line[i]));
      });
    });
    return;
  }
  const xs = boxes.map(xAt);
  sums.forEach((line, f) => {
    const value = yAt(f);
    writer.barrier();
    line.forEach((sum, i) => {
      writer.assign(sum, fma(value, xs[i], sum));
    });
  });
}
