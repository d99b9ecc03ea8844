import { dot } from "../../contraction/positions.js";
import { stridesOf } from "../../contraction/strided.js";
import { cut, inTile, range, tileCount } from "../../contraction/tiles.js";
import { type Node, type Shape, sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, flatten, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { fma, type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import type { LaneTile } from "./lane-tile.js";
import { overVectors, type PackedBlock, type Packing, packedAt, packedElements } from "./pack.js";
import { type PaddedPlanes, paddedElements } from "./pad.js";

/**
 * Results of a convolution, or of its adjoint in x, that sum the same taps: along each axis, evenly apart. Channels of the
 * result lie in lanes; planes of the source are read element by element, each for all lanes.
 */
export interface Correlation {
  readonly images: number;
  readonly groups: number;
  /** Of one group: those summed over, and those of the result. */
  readonly channels: number;
  readonly results: number;
  readonly source: PlaneSource;
  readonly weights: Packing;
  /** Extents of the kernel, in the order of the packed depth. */
  readonly kernel: Shape;
  /** The result's extents, an axis less where planes are long rows. */
  readonly extents: Shape;
  /** Of every axis but the last. */
  readonly outer: readonly Line[];
  /** Of the last axis: all that make up its rows, a step apart and as many as that. */
  readonly inner: readonly Line[];
}

/** Planes of so many extents, in memory as they are or copied with padding. */
export interface PlaneSource {
  readonly node: Node;
  readonly extents: Shape;
  readonly copy?: PaddedPlanes;
}

/** Results along one axis: result i, at `result.start + i · result.step`, sums over taps t at `source.start + i · source.step + t · taps.step`. */
export interface Line {
  readonly count: number;
  readonly result: Even;
  readonly source: Even;
  readonly taps: { readonly count: number; readonly step: number; readonly weights: Even };
}

interface Even {
  readonly start: number;
  readonly step: number;
}

/** Where, in the step's workspace, packed weights and padded planes lie. */
export interface Places {
  readonly weights: number;
  readonly source: number;
}

/** Products written out in one turn of the loops over depth. */
const MOST_WRITTEN = 160;
const CHANNELS_WRITTEN = 4;

export function lowerCorrelation(
  context: StepContext,
  of: Correlation,
  tile: LaneTile,
  places: Places,
): LoweredKernel {
  const { images, groups, results, weights } = of;
  const { lanes } = weights;
  const draft = context.open();
  const { writer } = draft;
  const parts = partsOf(context, of, tile);
  const vectors = Math.ceil(results / lanes);
  const blocks = tileCount(vectors, tile.vectors);
  const [image, group, block, part] = unflatten(writer.parallel(images * groups * blocks * parts.count), [
    images,
    groups,
    blocks,
    parts.count,
  ]).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const memory: Opened = {
    source: openSource(draft, of, places, add(mul(image, groups), group)),
    weights: draft.workspace(places.weights, packedElements(weights)),
    sums: writer.shared("accumulator", tile.vectors * lanes * parts.pitch),
    lane,
  };
  inTile(writer, vectors, tile.vectors, block, (first, width) => {
    const to: PackedBlock = { member: group, first, width };
    parts.inPart(writer, part, (span) => {
      sumSpan(draft, of, tile, memory, to, span, parts.pitch);
      storeSpan(draft, context, of, memory, { ...to, image }, span, parts.pitch);
    });
  });
  return draft.close(flopsOf(of));
}

const flopsOf = ({ images, groups, channels, results, outer, inner }: Correlation): number => {
  const products = outer.reduce(
    (all, line) => all * line.count * line.taps.count,
    inner.reduce((all, line) => all + line.count * line.taps.count, 0),
  );
  return 2 * images * groups * channels * results * products;
};

interface Opened {
  readonly source: { readonly start: Index; at(position: Index): Value };
  readonly weights: Memory;
  readonly sums: Memory;
  readonly lane: Index;
}

function openSource(
  draft: KernelDraft,
  { channels, source }: Correlation,
  places: Places,
  member: Index,
): Opened["source"] {
  const start = draft.writer.integer(mul(member, channels * sizeOf(source.extents)));
  if (!source.copy) return { start, at: (position) => draft.evaluate.elementAt(source.node, position) };
  const memory = draft.workspace(places.source, paddedElements(source.copy));
  return { start, at: (position) => draft.writer.real(load(memory, position)) };
}

/** What an iteration computes of each channel: rows of the outer axes, and of each row a stretch. */
interface Span {
  readonly row: Index;
  /** Rows here; never more than `mostRows`. */
  readonly rows: Index;
  readonly mostRows: number;
  /** The first result of each inner line, and how many follow. */
  readonly first: Index;
  readonly counts: readonly number[];
  /** Elements of a row that these are. */
  readonly length: number;
}

interface Parts {
  readonly count: number;
  /** Elements between channels in the memory of sums: what a tile stores past the end of a row has room. */
  readonly pitch: number;
  inPart(writer: KernelWriter, part: Index, body: (span: Span) => void): void;
}

/**
 * As many rows as half of the first cache holds sums of, or a part of one. A part of a row is whole tiles, but for the last.
 */
function partsOf({ target, options }: StepContext, of: Correlation, tile: LaneTile): Parts {
  const { lanes } = of.weights;
  const wide = tile.vectors * lanes;
  const fit = Math.max(
    lanes,
    Math.floor((target.lanes?.l1Bytes ?? 0) / 2 / options.realBytes / wide) - lanes,
  );
  const length = of.extents[of.extents.length - 1];
  const rows = of.outer.reduce((all, { count }) => all * count, 1);
  const { step } = of.inner[0].result;
  const counts = of.inner.map(({ count }) => count);
  const room = lanes * Math.ceil(tile.pixels / lanes);
  if (length <= fit || step > 1) {
    const others = of.images * of.groups * tileCount(Math.ceil(of.results / lanes), tile.vectors);
    const asked = Math.ceil((rows * others) / target.parallelIterations);
    const each = Math.max(1, Math.min(rows, Math.floor(fit / length), asked));
    const whole = { first: int(0), counts, length, mostRows: each };
    return {
      count: Math.ceil(rows / each),
      pitch: each * length + room,
      inPart(writer, part, body) {
        const row = mul(part, each);
        body({ ...whole, row, rows: writer.integer(min(int(each), sub(int(rows), row)), 1, each) });
      },
    };
  }
  const pieces = Math.ceil(length / fit);
  const each = Math.ceil(Math.ceil(length / pieces) / tile.pixels) * tile.pixels;
  const whole = Math.floor(length / each);
  const rest = length - whole * each;
  const count = whole + (rest > 0 ? 1 : 0);
  return {
    count: rows * count,
    pitch: each + room,
    inPart(writer, part, body) {
      const [row, piece] = unflatten(part, [rows, count]).map((c) => writer.integer(c));
      const first = mul(piece, each);
      const span = (elements: number): Span => ({
        row,
        rows: int(1),
        mostRows: 1,
        first,
        counts: [elements],
        length: elements,
      });
      writer.when(
        compare("lt", piece, int(whole)),
        () => body(span(each)),
        () => body(span(rest)),
      );
    },
  };
}

function sumSpan(
  { writer }: KernelDraft,
  of: Correlation,
  tile: LaneTile,
  memory: Opened,
  block: PackedBlock,
  span: Span,
  pitch: number,
): void {
  const strides = stridesOf(of.source.extents);
  const last = strides.length - 1;
  const { lanes } = of.weights;
  writer.loop(0, span.rows, (r) => {
    const at = unflatten(
      add(span.row, r),
      of.outer.map(({ count }) => count),
    ).map((c) => writer.integer(c));
    const outerStart = of.outer.map(({ source }, axis) => addInt(mul(at[axis], source.step), source.start));
    const rowStart = writer.integer(add(memory.source.start, dot(outerStart, strides.slice(0, last))));
    of.inner.forEach((line, phase) => {
      for (const run of cut(span.counts[phase], tile.pixels))
        writer.loop(0, run.count, (turn) => {
          const first = writer.integer(addInt(mul(turn, run.width), run.start));
          const column = addInt(mul(add(span.first, first), line.source.step), line.source.start);
          const from = writer.integer(add(rowStart, mul(column, strides[last])));
          const sums = sumTile(writer, of, line, memory, block, from, run.width);
          sums.forEach((pixels, vector) => {
            const to = add(
              mul(addInt(memory.lane, vector * lanes), pitch),
              add(mul(r, span.length), addInt(mul(first, line.result.step), line.result.start)),
            );
            if (line.result.step === 1) {
              // Whole vectors are stored faster: what lies past the tile is overwritten by the next one, or room.
              const filled = range(lanes * Math.ceil(run.width / lanes));
              writer.stores(
                memory.sums,
                to,
                filled.map((i) => pixels[i] ?? ZERO_VALUE),
              );
            } else
              pixels.forEach((sum, i) => {
                writer.store(memory.sums, addInt(to, i * line.result.step), sum);
              });
          });
        });
    });
  });
}

/** The sums of neighbouring pixels, for each vector of the block, over channels and taps. */
function sumTile(
  writer: KernelWriter,
  of: Correlation,
  line: Line,
  { source, weights, lane }: Opened,
  block: PackedBlock,
  from: Index,
  width: number,
): readonly (readonly Value[])[] {
  const { channels, kernel } = of;
  const plane = sizeOf(of.source.extents);
  const strides = stridesOf(of.source.extents);
  const pixel = line.source.step * strides[strides.length - 1];
  const lines = [...of.outer, line];
  const sums = range(block.width).map(() => range(width).map(() => writer.variable(ZERO_VALUE)));
  const turn = (channel: Index, tap: readonly Index[]): void => {
    const weight = lines.map(({ taps }, axis) =>
      addInt(mul(tap[axis], taps.weights.step), taps.weights.start),
    );
    const depth = flatten([channel, ...weight], [channels, ...kernel]);
    const vectors = range(block.width).map((vector) =>
      writer.real(load(weights, add(packedAt(of.weights, block, depth, vector), lane))),
    );
    const moved = tap.map((t, axis) => mul(t, lines[axis].taps.step));
    const at = add(from, add(mul(channel, plane), dot(moved, strides)));
    for (let p = 0; p < width; p++) {
      const x = source.at(addInt(at, p * pixel));
      vectors.forEach((vector, v) => {
        writer.assign(sums[v][p], fma(x, vector, sums[v][p]));
      });
    }
  };
  const counts = lines.map(({ taps }) => taps.count);
  const taps = counts.reduce((all, count) => all * count, 1);
  if (taps === 0) return sums;
  const each = block.width * width;
  const walk = (channel: Index, axis: number, tap: readonly Index[]): void => {
    if (axis === counts.length) {
      turn(channel, tap);
      return;
    }
    const inside = counts.slice(axis).reduce((all, count) => all * count, 1);
    const body = (t: Index): void => walk(channel, axis + 1, [...tap, t]);
    if (inside * each <= MOST_WRITTEN) writer.unrolled(counts[axis], body);
    else writer.loop(0, counts[axis], body);
  };
  const together = taps === 1 ? CHANNELS_WRITTEN : 1;
  const whole = channels - (channels % together);
  writer.loop(
    0,
    whole,
    (channel) => writer.unrolled(together, (c) => walk(add(channel, c), 0, [])),
    together,
  );
  writer.loop(whole, channels, (channel) => walk(channel, 0, []));
  return sums;
}

/** Ends the work on an iteration's results, pixels in the lanes. */
function storeSpan(
  draft: KernelDraft,
  { anchor }: StepContext,
  of: Correlation,
  { sums, lane }: Opened,
  { image, member, first, width }: PackedBlock & { readonly image: Index },
  span: Span,
  pitch: number,
): void {
  const { writer } = draft;
  const { lanes } = of.weights;
  const spatial = anchor.shape.slice(2);
  const length = of.extents[of.extents.length - 1];
  const step = of.inner[0].result.step;
  const start = mul(first, lanes);
  const channels = writer.integer(
    min(int(width * lanes), sub(int(of.results), start)),
    1,
    Math.min(of.results, width * lanes),
  );
  const stretch = (from: Index, own: Index, elements: number): void =>
    writer.loop(0, channels, (o) =>
      overVectors(writer, elements, lanes, lane, (at) => {
        const channel = add(mul(member, of.results), add(start, o));
        draft.storeAt([image, channel, ...unflatten(add(from, at), spatial)], {
          type: "real",
          value: load(sums, add(mul(o, pitch), add(own, at))),
        });
      }),
    );
  const whole = of.outer.every(({ result }) => result.step === 1);
  if (whole && span.length === length) {
    const all = of.outer.reduce((product, { count }) => product * count, 1);
    const rest = all % span.mostRows;
    const from = mul(span.row, length);
    writer.when(
      rest === 0 || compare("eq", span.rows, int(span.mostRows)),
      () => stretch(from, int(0), span.mostRows * length),
      () => stretch(from, int(0), rest * length),
    );
    return;
  }
  writer.loop(0, span.rows, (r) => {
    const at = unflatten(
      add(span.row, r),
      of.outer.map(({ count }) => count),
    );
    const rows = of.outer.map(({ result }, axis) => addInt(mul(at[axis], result.step), result.start));
    const row = flatten(rows, of.extents.slice(0, -1));
    const from = writer.integer(add(mul(row, length), mul(span.first, step)));
    stretch(from, writer.integer(mul(r, span.length)), span.length);
  });
}
