import { overShape } from "../../contraction/positions.js";
import { cut, forTiles, inTile, range, tileCount } from "../../contraction/tiles.js";
import { type Shape, sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, flatten, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { fma, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { lanesFor, widestVector } from "../lane-nest.js";
import { type Correlation, flopsOf } from "./correlation.js";
import type { Packing } from "./pack.js";
import { copiedElements, type OpenedRows, openRows, overColumnTaps, type PixelRows } from "./pixel-source.js";
import { choosePixelTile, type PixelTile } from "./pixel-tile.js";

/** Products written out in one turn of the loops over depth. */
const MOST_WRITTEN = 160;
const MOST_WRITTEN_SHARED = 320;

/** What is summed with pixels in the lanes, and from where. */
export interface PixelSums {
  /** Of two axes at least. */
  readonly of: Omit<Correlation, "weights"> & { readonly weights: Omit<Packing, "vectors"> };
  readonly rows: PixelRows;
  readonly tile: PixelTile;
}

type Unpacked = PixelSums["of"];

/** The best way with pixels in the lanes, and how long it takes for one image and group, in FMAs of one vector; if there is any. */
export function choosePixelLanes(
  context: StepContext,
  made: Unpacked,
): { readonly sums: PixelSums; readonly turns: number } | undefined {
  const { target, options } = context;
  const of = withRows(made);
  const [line, ...others] = of.inner;
  // A kernel of one tap is a product of matrices, and elements of a result that lie apart are no vectors.
  if (!target.lanes || others.length > 0 || line.result.step !== 1 || sizeOf(of.kernel) === 1)
    return undefined;
  if (context.computed.has(of.weights.node)) return undefined;
  const lanes = lanesFor(line.count, widestVector(context));
  const { source, outer, channels } = of;
  const input = source.copy?.input ?? source.extents;
  const planes = source.copy ?? {
    node: source.node,
    planes: of.images * of.groups * channels,
    input,
    padded: input,
    before: input.map(() => 0),
  };
  const inPlace = source.copy === undefined && line.source.step === 1;
  const rows: PixelRows = { channels, planes, lines: [...outer, line], inPlace, lanes };
  const { tile, turns } = choosePixelTile(target.lanes, of, line, lanes, options.realBytes);
  const most = target.lanes.l2Bytes / 2 / options.realBytes;
  return copiedElements(rows, tile.rows) > most ? undefined : { sums: { of, rows, tile }, turns };
}

/** A plane of one axis as one row. */
function withRows(of: Unpacked): Unpacked {
  if (of.outer.length > 0) return of;
  const even = { start: 0, step: 1 };
  const { copy } = of.source;
  return {
    ...of,
    source: {
      ...of.source,
      extents: [1, ...of.source.extents],
      ...(copy && {
        copy: {
          ...copy,
          input: [1, ...copy.input],
          padded: [1, ...copy.padded],
          before: [0, ...copy.before],
        },
      }),
    },
    kernel: [1, ...of.kernel],
    extents: [1, ...of.extents],
    outer: [{ count: 1, result: even, source: even, taps: { count: 1, step: 1, weights: even } }],
  };
}

/** A tile: channels of the result from `channel` on, rows from `row` of the iteration on, vectors of a row from `column` on. */
interface TileAt {
  readonly channel: Index;
  readonly channels: number;
  readonly row: Index;
  readonly rows: number;
  readonly column: Index;
  readonly vectors: number;
  /** Pixels of the last vector, where the row does not fill it. */
  readonly rest?: number;
}

/** What an iteration has at hand. */
interface Opened extends PixelSums {
  readonly draft: KernelDraft;
  /** Spatial extents of the node that is stored. */
  readonly spatial: Shape;
  readonly image: Index;
  readonly group: Index;
  /** Of the axes before rows; and the iteration's first row. */
  readonly outer: readonly Index[];
  readonly first: Index;
  readonly lane: Index;
  readonly source: OpenedRows;
}

/**
 * The sums with neighbouring pixels of a row in the lanes: a weight is read for all of them. Weights need no packing, results
 * lie as they are stored, and no lane is idle for want of channels.
 */
export function lowerPixelLanes(context: StepContext, sums: PixelSums): LoweredKernel {
  const { of, rows, tile } = sums;
  const { images, groups, results } = of;
  const draft = context.open();
  const { writer } = draft;
  const planes = of.outer.slice(0, -1).map(({ count }) => count);
  const count = of.outer[of.outer.length - 1].count;
  const { each, blocks } = shareOut(context, sums);
  const shape = [
    images,
    groups,
    ...planes,
    Math.ceil(count / each),
    tileCount(tileCount(results, tile.channels), blocks),
  ];
  const [image, group, ...at] = unflatten(writer.parallel(sizeOf(shape)), shape).map((c) =>
    writer.integer(c),
  );
  const [outer, [part, some]] = [at.slice(0, -2), at.slice(-2)];
  const lane = writer.team(rows.lanes);
  const first = writer.integer(mul(part, each));
  const member = writer.integer(add(mul(image, groups), group));
  const source = openRows(draft, rows, lane, { member, outer, row: first, rows: each });
  const spatial = context.anchor.shape.slice(2);
  const opened: Opened = { ...sums, draft, spatial, image, group, outer, first, lane, source };
  inTile(writer, tileCount(results, tile.channels), blocks, some, (from, many) =>
    writer.loop(from, addInt(from, many), (block) =>
      inTile(writer, results, tile.channels, block, (channel, channels) =>
        overTiles(opened, each, { channel, channels }),
      ),
    ),
  );
  return draft.close(flopsOf(of));
}

/** Rows and tiles of channels of an iteration: as few as make enough iterations, and as the second cache holds. */
function shareOut({ target, options }: StepContext, { of, rows, tile }: PixelSums) {
  const { images, groups, results } = of;
  const planes = sizeOf(of.outer.slice(0, -1).map(({ count }) => count));
  const { count, source, taps } = of.outer[of.outer.length - 1];
  const wanted = Math.ceil(target.parallelIterations / (images * groups * planes));
  // Of what neighbouring iterations read twice there is no more than of what they do not.
  const fewest = rows.inPlace ? 1 : Math.ceil(((taps.count - 1) * Math.abs(taps.step)) / source.step);
  let each = Math.min(count, Math.max(tile.rows, fewest, Math.ceil(count / wanted)));
  const most = (target.lanes?.l2Bytes ?? 0) / 2 / options.realBytes;
  while (each > 1 && copiedElements(rows, each) > most) each = Math.ceil(each / 2);
  const tiles = tileCount(results, tile.channels);
  const left = Math.ceil(wanted / Math.ceil(count / each));
  return { each, blocks: Math.ceil(tiles / Math.min(tiles, left)) };
}

/** Tiles of a row's vectors, and for each of them those of the iteration's rows: what they read of the source stays near. */
function overTiles(opened: Opened, each: number, at: Pick<TileAt, "channel" | "channels">): void {
  const {
    draft: { writer },
    of,
    rows: { lanes },
    tile,
  } = opened;
  const { count } = of.inner[0];
  const total = Math.ceil(count / lanes);
  const rest = count % lanes;
  const walk = (vector: Index, vectors: number, ends: boolean): void =>
    overRows(opened, each, (row, high) =>
      sumPixels(opened, {
        ...at,
        row,
        rows: high,
        column: mul(vector, lanes),
        vectors,
        ...(ends && rest > 0 && { rest }),
      }),
    );
  const runs = cut(total, tile.vectors);
  runs.forEach(({ start, width, count: turns }, i) => {
    const peeled = i === runs.length - 1 && rest > 0 ? 1 : 0;
    writer.loop(0, turns - peeled, (turn) => walk(addInt(mul(turn, width), start), width, false));
    if (peeled) walk(int(total - width), width, true);
  });
}

/** The rows of an iteration, a tile of them after the other. */
function overRows(
  { draft: { writer }, of, tile, first }: Opened,
  each: number,
  body: (row: Index, rows: number) => void,
): void {
  const { count } = of.outer[of.outer.length - 1];
  const walk = (rows: number): void => forTiles(writer, rows, tile.rows, body);
  const rest = count % each;
  if (rest === 0) walk(each);
  else if (tile.rows === 1)
    writer.loop(0, writer.integer(min(int(each), sub(int(count), first)), 1, each), (row) => body(row, 1));
  else
    writer.when(
      compare("lt", first, int(count - rest)),
      () => walk(each),
      () => walk(rest),
    );
}

/** Sums a tile and ends the work on its results. */
function sumPixels(opened: Opened, tile: TileAt): void {
  storePixels(opened, tile, sumsOf(opened, tile));
}

/** Of each channel, row and vector. */
type Sums = readonly (readonly (readonly (Value & { readonly kind: "local" })[])[])[];

/** A row of the tile, and the tap with which it reads what all readers of a row of the source share. */
interface Reader {
  readonly row: number;
  readonly tap: Index;
}

function sumsOf(opened: Opened, tile: TileAt): Sums {
  const { draft, of, lane, source, rows } = opened;
  const { writer } = draft;
  const [line] = of.inner;
  const rowTaps = of.outer[of.outer.length - 1].taps;
  const outerTaps = of.outer.slice(0, -1).map(({ taps }) => taps.count);
  const sums: Sums = range(tile.channels).map(() =>
    range(tile.rows).map(() => range(tile.vectors).map(() => writer.variable(ZERO_VALUE))),
  );
  if ([...outerTaps, rowTaps.count, line.taps.count].includes(0)) return sums;
  const start = writer.integer(add(source.start(tile.row, tile.column), lane));
  /** The products of vectors of the source with the weights of all that read them. */
  const turn = (
    from: Index,
    offset: Index,
    weightOf: (channel: number, tap: Index) => Value,
    readers: readonly Reader[],
  ): void => {
    // Weights and vectors are read again for each turn: kept, they would take the sums' registers.
    writer.barrier();
    const xs = range(tile.vectors).map((v) => {
      const at = add(from, addInt(offset, v * rows.lanes));
      // Of a copied row as much may be read as all its vectors have.
      const some = rows.inPlace ? usedLanes(opened, tile, v) : true;
      return writer.real(
        draft.evaluate.guard(
          some,
          () => source.at(at),
          () => ZERO_VALUE,
        ),
      );
    });
    writer.barrier();
    for (const { row, tap } of readers)
      for (let c = 0; c < tile.channels; c++) {
        const w = weightOf(c, tap);
        xs.forEach((x, v) => {
          const sum = sums[c][row][v];
          writer.assign(sum, fma(w, x, sum));
        });
      }
  };
  const columns = (
    from: Index,
    written: boolean,
    channel: Index,
    outer: readonly Index[],
    readers: readonly Reader[],
  ): void =>
    overColumnTaps(writer, source.columns, line.taps.count, written, (t, offset) =>
      turn(
        from,
        offset,
        (c, tap) => weightAt(opened, addInt(tile.channel, c), channel, [...outer, tap, t]),
        readers,
      ),
    );
  writer.loop(0, of.channels, (channel) =>
    overShape(writer, outerTaps, (outer) => {
      const from = writer.integer(
        outer.reduce(
          (at, t, axis) => add(at, mul(t, source.before[axis])),
          add(start, mul(channel, source.channel)),
        ),
      );
      const each = tile.channels * tile.vectors * line.taps.count;
      if (tile.rows === 1) {
        const written = each <= MOST_WRITTEN;
        const body = (tap: Index): void =>
          columns(add(from, mul(tap, rowTaps.step * source.row)), written, channel, outer, [{ row: 0, tap }]);
        if (each * rowTaps.count <= MOST_WRITTEN) for (const tap of range(rowTaps.count)) body(int(tap));
        else writer.loop(0, rowTaps.count, body);
        return;
      }
      const written = each * tile.rows * rowTaps.count <= MOST_WRITTEN_SHARED;
      for (const [at, readers] of readersOf(opened, tile.rows))
        columns(addInt(from, at * source.row), written, channel, outer, readers);
    }),
  );
  return sums;
}

/** Rows of the source that a tile of rows reads, from its first one's first tap on, and with which taps. */
function readersOf(
  { of }: Opened,
  rows: number,
): readonly (readonly [at: number, readers: readonly Reader[]])[] {
  const { source, taps } = of.outer[of.outer.length - 1];
  const byRow = new Map<number, Reader[]>();
  for (let row = 0; row < rows; row++)
    for (let tap = 0; tap < taps.count; tap++) {
      const at = row * source.step + tap * taps.step;
      byRow.set(at, [...(byRow.get(at) ?? []), { row, tap: int(tap) }]);
    }
  return [...byRow].sort(([a], [b]) => a - b);
}

function weightAt(
  { draft, of, group }: Opened,
  result: Index,
  channel: Index,
  taps: readonly Index[],
): Value {
  const { weights, kernel, outer, inner } = of;
  const summed = weights.depth.shape.length === 1 ? sizeOf(kernel) : weights.depth.strides[0];
  const tap = flatten(
    [...outer, ...inner].map((line, axis) =>
      addInt(mul(taps[axis], line.taps.weights.step), line.taps.weights.start),
    ),
    kernel,
  );
  const own = add(mul(group, weights.members.stride), mul(result, weights.rows.stride));
  return draft.writer.real(draft.evaluate.elementAt(weights.node, add(own, add(mul(channel, summed), tap))));
}

/** Lanes of a vector that are pixels of the row. */
const usedLanes = ({ lane }: Opened, { rest, vectors }: TileAt, vector: number) =>
  rest === undefined || vector < vectors - 1 || compare("lt", lane, int(rest));

function storePixels(opened: Opened, tile: TileAt, sums: Sums): void {
  const { draft, spatial, of, image, group, lane, rows, outer, first } = opened;
  const { extents, results } = of;
  const length = extents[extents.length - 1];
  sums.forEach((lines, c) => {
    lines.forEach((vectors, r) => {
      const at = [...outer, addInt(add(first, tile.row), r)].map((position, axis) => {
        const { result } = of.outer[axis];
        return addInt(mul(position, result.step), result.start);
      });
      const row = mul(flatten(at, extents.slice(0, -1)), length);
      vectors.forEach((value, v) => {
        const flat = add(row, add(tile.column, addInt(lane, v * rows.lanes)));
        const channel = add(mul(group, results), addInt(tile.channel, c));
        draft.writer.when(usedLanes(opened, tile, v), () =>
          draft.storeAt([image, channel, ...unflatten(flat, spatial)], { type: "real", value }),
        );
      });
    });
  });
}
