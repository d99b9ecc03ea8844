import { dot } from "../../contraction/positions.js";
import { stridesOf } from "../../contraction/strided.js";
import { cut, range } from "../../contraction/tiles.js";
import { sizeOf } from "../../ir/graph.js";
import { add, addInt, flatten, int, min, mul, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { fma, type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft } from "../../lower/step.js";
import type { Correlation, Line } from "./correlation.js";
import type { Span } from "./correlation-parts.js";
import type { LaneTile } from "./lane-tile.js";
import { type PackedBlock, packedAt } from "./pack.js";

/** Products written out in one turn of the loops over depth. */
const MOST_WRITTEN = 160;
const CHANNELS_WRITTEN = 4;

/** Channels written out in one turn of a kernel of one tap. */
export const togetherOf = (channels: number, taps: number): number =>
  taps === 1 && channels % CHANNELS_WRITTEN === 0 ? CHANNELS_WRITTEN : 1;

export interface Opened {
  readonly source: { readonly start: Index; at(position: Index): Value };
  readonly weights: Memory;
  readonly sums: Memory;
  /** Sums over the channels so far, `[pixel][vectors of the block × lanes]`, where channels are summed in chunks. */
  readonly partial?: Memory;
  readonly lane: Index;
}

/** What one part sums, and with what. */
interface SpanSums {
  readonly of: Correlation;
  readonly tile: LaneTile;
  readonly memory: Opened;
  readonly block: PackedBlock;
  readonly span: Span;
  readonly pitch: number;
  /** Channels summed before the next pixels. */
  readonly chunk: number;
}

/** A tile of one row: where its source starts, and where its results go. */
interface TileAt {
  readonly line: Line;
  readonly from: Index;
  readonly width: number;
  /** Its first pixel among those of the part, in the order of the results; and its row there. */
  readonly row: Index;
  readonly first: Index;
  /** Its first pixel in the order in which tiles are walked. */
  readonly number: Index;
}

/** Sums of all pixels of a part, into memory by channel. */
export function sumSpan({ writer }: KernelDraft, sums: SpanSums): void {
  const { of, memory, block, chunk } = sums;
  const { partial, lane } = memory;
  if (partial === undefined) {
    overTiles(writer, sums, (tile) => {
      const start = range(block.width).map(() => range(tile.width).map(() => ZERO_VALUE));
      const all = { from: int(0), to: int(of.channels) };
      putSums(writer, sums, tile, sumTile(writer, sums, tile, all, start));
    });
    return;
  }
  const wide = block.width * of.weights.lanes;
  const placeOf = ({ number }: TileAt, pixel: number, vector: number): Index =>
    add(addInt(mul(number, wide), pixel * wide + vector * of.weights.lanes), lane);
  const partials = (tile: TileAt) =>
    range(block.width).map((vector) =>
      range(tile.width).map((pixel) => load(partial, placeOf(tile, pixel, vector))),
    );
  writer.loop(0, mul(sums.span.rows, sums.span.length), (pixel) => {
    for (let vector = 0; vector < block.width; vector++)
      writer.store(partial, add(addInt(mul(pixel, wide), vector * of.weights.lanes), lane), ZERO_VALUE);
  });
  writer.loop(
    0,
    of.channels,
    (from) => {
      const to = writer.integer(min(addInt(from, chunk), int(of.channels)), 1, of.channels);
      overTiles(writer, sums, (tile) =>
        sumTile(writer, sums, tile, { from, to }, partials(tile)).forEach((pixels, vector) => {
          pixels.forEach((sum, pixel) => {
            writer.store(partial, placeOf(tile, pixel, vector), sum);
          });
        }),
      );
    },
    chunk,
  );
  overTiles(writer, sums, (tile) => putSums(writer, sums, tile, partials(tile)));
}

/** The tiles of a part, row after row. */
function overTiles(
  writer: KernelWriter,
  { of, tile, memory, span }: SpanSums,
  body: (tile: TileAt) => void,
): void {
  const strides = stridesOf(of.source.extents);
  const last = strides.length - 1;
  writer.loop(0, span.rows, (row) => {
    const at = unflatten(
      add(span.row, row),
      of.outer.map(({ count }) => count),
    ).map((c) => writer.integer(c));
    const outerStart = of.outer.map(({ source }, axis) => addInt(mul(at[axis], source.step), source.start));
    const rowStart = writer.integer(add(memory.source.start, dot(outerStart, strides.slice(0, last))));
    let before = 0;
    of.inner.forEach((line, phase) => {
      const own = before;
      before += span.counts[phase];
      for (const run of cut(span.counts[phase], tile.pixels))
        writer.loop(0, run.count, (turn) => {
          const first = writer.integer(addInt(mul(turn, run.width), run.start));
          const column = addInt(mul(add(span.first, first), line.source.step), line.source.start);
          const from = writer.integer(add(rowStart, mul(column, strides[last])));
          const number = writer.integer(addInt(add(mul(row, span.length), first), own));
          body({ line, from, width: run.width, row, first, number });
        });
    });
  });
}

/** Stores a tile's sums by channel: lanes the other way round where its pixels are neighbours. */
function putSums(
  writer: KernelWriter,
  { of, memory, span, pitch }: SpanSums,
  { line, width, row, first }: TileAt,
  sums: readonly (readonly Value[])[],
): void {
  const { lanes } = of.weights;
  sums.forEach((pixels, vector) => {
    const to = add(
      mul(addInt(memory.lane, vector * lanes), pitch),
      add(mul(row, span.length), addInt(mul(first, line.result.step), line.result.start)),
    );
    if (line.result.step === 1) {
      // Whole vectors are stored faster: what lies past the tile is overwritten by the next one, or room.
      const filled = range(lanes * Math.ceil(width / lanes));
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
}

/** Adds to the sums of neighbouring pixels, for each vector of the block, what some channels and all taps give. */
function sumTile(
  writer: KernelWriter,
  { of, memory: { source, weights, lane }, block }: SpanSums,
  { line, from, width }: TileAt,
  within: { readonly from: Index; readonly to: Index },
  start: readonly (readonly Value[])[],
): readonly (readonly Value[])[] {
  const { channels, kernel } = of;
  const plane = sizeOf(of.source.extents);
  const strides = stridesOf(of.source.extents);
  const pixel = line.source.step * strides[strides.length - 1];
  const lines = [...of.outer, line];
  const sums = start.map((pixels) => pixels.map((value) => writer.variable(value)));
  const turn = (channel: Index, tap: readonly Index[]): void => {
    const weight = lines.map(({ taps }, axis) =>
      addInt(mul(tap[axis], taps.weights.step), taps.weights.start),
    );
    const depth = flatten([channel, ...weight], [channels, ...kernel]);
    const vectors = range(block.width).map((vector) =>
      writer.real(load(weights, add(packedAt(of.weights, block, depth, vector), lane))),
    );
    // Weights stay in registers: a compiler that may would load them again for each pixel.
    writer.barrier();
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
  const together = togetherOf(channels, taps);
  writer.loop(
    within.from,
    within.to,
    (channel) => writer.unrolled(together, (c) => walk(add(channel, c), 0, [])),
    together,
  );
  return sums;
}
