import { overShape } from "../../contraction/positions.js";
import { stridesOf } from "../../contraction/strided.js";
import { cut, forTiles, range } from "../../contraction/tiles.js";
import { sizeOf } from "../../ir/graph.js";
import { add, addInt, all, compare, flatten, gcd, int, mul, sub } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { type KernelWriter, load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft } from "../../lower/step.js";
import { overVectors } from "../over-vectors.js";
import type { Line } from "./correlation.js";
import type { PaddedPlanes } from "./pad.js";

/** Which elements sums along rows read, pixels in the lanes. */
export interface PixelRows {
  /** Planes of which each sum reads one after the other: those of one image and group. */
  readonly channels: number;
  /** What is read, and the zeros around it. */
  readonly planes: PaddedPlanes;
  /** Results along each axis: rows are the last but one, columns the last. */
  readonly lines: readonly Line[];
  /** Read as it lies: nothing around it, one element after the other. */
  readonly inPlace: boolean;
  readonly lanes: number;
}

/** The rows that one iteration reads. */
export interface OpenedRows {
  at(position: Index): Value;
  /** Position of the first tap of results from a row (of those of the iteration) and a column on. */
  start(row: Index, column: Index): Index;
  /** How far apart channels, taps of the axes before rows, and rows lie. */
  readonly channel: number;
  readonly before: readonly number[];
  readonly row: number;
  readonly columns: ColumnTaps;
}

/** Taps along a row: tap `first + i · every` of a run lies `offset + i · step` from the first one. */
export interface ColumnTaps {
  readonly every: number;
  readonly step: number;
  readonly offsets: readonly number[];
}

/** How far before its first tap a result reads. */
const behind = ({ taps }: Line): number => Math.max(0, -(taps.count - 1) * taps.step);

/** Elements between the first and the last tap, both included. */
const reachOf = ({ taps }: Line): number => Math.abs((taps.count - 1) * taps.step) + 1;

/** Elements of a copied row that lie side by side: every so many of the source. */
const apartOf = ({ lines, lanes }: PixelRows): number => {
  const line = lines[lines.length - 1];
  const wide = Math.ceil(line.count / lanes) * lanes;
  return Math.ceil(((wide - 1) * line.source.step + reachOf(line)) / line.source.step);
};

/** Extents of what an iteration copies for so many rows of results. */
function copiedExtents(of: PixelRows, rows: number): readonly number[] {
  const { channels, lines } = of;
  const [row, column] = lines.slice(-2);
  return [
    channels,
    ...lines.slice(0, -2).map(({ taps }) => taps.count),
    (rows - 1) * row.source.step + reachOf(row),
    column.source.step * apartOf(of),
  ];
}

/** Elements that an iteration copies for so many rows of results. */
export const copiedElements = (of: PixelRows, rows: number): number =>
  of.inPlace ? 0 : sizeOf(copiedExtents(of, rows));

/**
 * Opens the rows of an image and group that results at `outer` (of the axes before rows) and from `row` on read, at most
 * `rows` rows of results: as they lie, or copied into memory of the team, zeros around them, and elements that a stride
 * lies between side by side.
 */
export function openRows(
  draft: KernelDraft,
  of: PixelRows,
  lane: Index,
  { member, outer, row, rows }: { member: Index; outer: readonly Index[]; row: Index; rows: number },
): OpenedRows {
  const { lines, planes, channels } = of;
  const { writer, evaluate } = draft;
  const last = lines.length - 1;
  const [rowLine, line] = lines.slice(-2);
  const own = sizeOf(planes.input);
  const plane = writer.integer(mul(member, channels * own));
  if (of.inPlace) {
    const strides = stridesOf(planes.input);
    const from = outer.map((at, axis) =>
      mul(addInt(mul(at, lines[axis].source.step), lines[axis].source.start), strides[axis]),
    );
    const first = writer.integer(from.reduce(add, plane));
    return {
      at: (position) => evaluate.elementAt(planes.node, position),
      start: (r, column) =>
        add(
          add(
            first,
            mul(addInt(mul(add(row, r), rowLine.source.step), rowLine.source.start), strides[last - 1]),
          ),
          addInt(column, line.source.start),
        ),
      channel: own,
      before: lines.slice(0, -2).map(({ taps }, axis) => taps.step * strides[axis]),
      row: strides[last - 1],
      columns: { every: 1, step: line.taps.step, offsets: [0] },
    };
  }
  const extents = copiedExtents(of, rows);
  const strides = stridesOf(extents);
  const memory = writer.shared("accumulator", sizeOf(extents));
  copyRows(draft, of, lane, { plane, outer, row, extents, memory });
  const [step, apart] = [line.source.step, apartOf(of)];
  const offset = (tap: number): number => {
    const at = behind(line) + tap * line.taps.step;
    return (at % step) * apart + Math.floor(at / step);
  };
  const every = step / gcd(step, line.taps.step);
  return {
    at: (position) => load(memory, position),
    start: (r, column) =>
      add(mul(addInt(mul(r, rowLine.source.step), behind(rowLine)), strides[last]), column),
    channel: strides[0],
    before: strides.slice(1, -2),
    row: strides[last],
    columns: {
      every,
      step: (every * line.taps.step) / step,
      offsets: range(Math.min(every, line.taps.count)).map(offset),
    },
  };
}

interface Copied {
  readonly plane: Index;
  readonly outer: readonly Index[];
  readonly row: Index;
  readonly extents: readonly number[];
  readonly memory: number;
}

function copyRows(
  { writer, evaluate }: KernelDraft,
  of: PixelRows,
  lane: Index,
  { plane, outer, row, extents, memory }: Copied,
): void {
  const { lines, planes, lanes } = of;
  const { input, before } = planes;
  const [rowLine, line] = lines.slice(-2);
  const last = lines.length - 1;
  const [step, apart] = [line.source.step, apartOf(of)];
  const length = step * apart;
  const origin = line.source.start - behind(line) - before[last];
  const firstRow = addInt(mul(row, rowLine.source.step), rowLine.source.start - behind(rowLine));
  overShape(writer, extents.slice(0, -1), ([channel, ...at]) => {
    const to = writer.integer(mul(flatten([channel, ...at], extents.slice(0, -1)), length));
    const padded = at.map((v, axis) => {
      if (axis === last - 1) return add(firstRow, v);
      const { source, taps } = lines[axis];
      return add(addInt(mul(outer[axis], source.step), source.start), mul(v, taps.step));
    });
    const inside = padded.flatMap((v, axis) => [
      compare("ge", v, int(before[axis])),
      compare("lt", v, int(before[axis] + input[axis])),
    ]);
    const zeros = (from: number, count: number): void =>
      overVectors(writer, count, lanes, lane, (i) =>
        writer.store(memory, add(to, addInt(i, from)), ZERO_VALUE),
      );
    writer.when(
      all(inside),
      () => {
        const start = padded.map((v, axis) => sub(v, int(before[axis])));
        const from = writer.integer(
          add(add(plane, mul(channel, sizeOf(input))), mul(flatten(start, input.slice(0, -1)), input[last])),
        );
        for (const phase of range(step)) {
          const first = Math.min(apart, Math.max(0, Math.ceil(-(origin + phase) / step)));
          const end = Math.max(first, Math.min(apart, Math.ceil((input[last] - origin - phase) / step)));
          zeros(phase * apart, first);
          overVectors(writer, end - first, lanes, lane, (i) => {
            const value = evaluate.elementAt(
              planes.node,
              add(from, addInt(mul(i, step), first * step + origin + phase)),
            );
            writer.store(memory, add(to, addInt(i, phase * apart + first)), value);
          });
          zeros(phase * apart + end, apart - end);
        }
      },
      () => zeros(0, length),
    );
  });
}

/** How far a tap of a row lies from the first one. */
export const columnOffset = ({ every, step, offsets }: ColumnTaps, tap: number): number =>
  offsets[tap % every] + Math.floor(tap / every) * step;

/** Loops over the taps of a row, written out or not: hands on their number and how far they lie from the first. */
export function overColumnTaps(
  writer: KernelWriter,
  columns: ColumnTaps,
  count: number,
  written: boolean,
  body: (tap: Index, offset: Index) => void,
): void {
  const { every, step, offsets } = columns;
  if (written) for (const tap of range(count)) body(int(tap), int(columnOffset(columns, tap)));
  else
    offsets.forEach((offset, first) => {
      writer.loop(0, Math.ceil((count - first) / every), (i) =>
        body(addInt(mul(i, every), first), addInt(mul(i, step), offset)),
      );
    });
}

/**
 * Loops over tiles of the taps of a row: hands on the first one, how many, and how far each of them lies from the row's
 * first tap. Where no step leads from one to the next, every tile is written for itself.
 */
export function overColumnTiles(
  writer: KernelWriter,
  columns: ColumnTaps,
  count: number,
  preferred: number,
  body: (first: Index, width: number, offset: (i: number) => Index) => void,
): void {
  const { every, step, offsets } = columns;
  if (every === 1)
    forTiles(writer, count, preferred, (first, width) =>
      body(first, width, (i) => addInt(mul(addInt(first, i), step), offsets[0])),
    );
  else
    for (const run of cut(count, preferred))
      for (const turn of range(run.count)) {
        const first = run.start + turn * run.width;
        body(int(first), run.width, (i) => int(columnOffset(columns, first + i)));
      }
}
