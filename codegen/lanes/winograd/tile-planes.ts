import { add, addInt, all, compare, int, min, mul, ZERO } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { type KernelWriter, ZERO_VALUE } from "../../kernel/writer.js";

/**
 * Some rows of planes of so many channels as there are lanes, with what lies around them: [row][column][channel]. Made
 * of planes that lie one behind the other, [channel][row][column]; what is outside of those is 0.
 */
export interface Strip {
  /** Rows and columns of a plane. */
  readonly plane: readonly [number, number];
  /** Columns left of a plane's first one. */
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
  readonly lanes: number;
}

export const stripElements = ({ rows, columns, lanes }: Strip): number => rows * columns * lanes;

/** Columns of a strip that lie inside of the plane: from … to. */
function insideOf({ plane: [, width], left, columns }: Strip): readonly [from: number, to: number] {
  return [Math.max(0, left), Math.min(columns, left + width)];
}

/** Zeros where no row of any plane will ever be written: once, before the first. */
export function clearBorders(writer: KernelWriter, strip: Strip, memory: Memory, lane: Index): void {
  const { rows, columns, lanes } = strip;
  const [from, to] = insideOf(strip);
  for (const [first, last] of [
    [0, from],
    [to, columns],
  ])
    writer.loop(0, rows, (row) =>
      writer.loop(first, last, (column) =>
        writer.store(memory, add(mul(add(mul(row, columns), column), lanes), lane), ZERO_VALUE),
      ),
    );
}

/**
 * Fills a strip, turned so that channels lie side by side: blocks of lanes × lanes are loaded along rows and stored the other
 * way round. Of a row that is no multiple of the lanes the last block overlaps the one before.
 *
 * @param top the plane's row that the strip's first one is; it may lie outside
 * @param channels so many are there, the other lanes are 0
 * @param element of a channel, at a row and a column of its plane
 */
export function fillStrip(
  writer: KernelWriter,
  strip: Strip,
  memory: Memory,
  lane: Index,
  of: {
    readonly top: Index;
    readonly channels: number;
    readonly element: (channel: number, row: Index, column: Index) => Value;
  },
): void {
  const { plane, left, rows, columns, lanes } = strip;
  const [from, to] = insideOf(strip);
  const width = to - from;
  const at = (row: Index, column: Index): Index => mul(add(mul(row, columns), column), lanes);
  const block = (row: Index, planeRow: Index, column: Index): void =>
    writer.stores(
      memory,
      add(at(row, column), mul(lane, lanes)),
      Array.from({ length: lanes }, (_, i) =>
        i < of.channels ? of.element(i, planeRow, addInt(add(column, lane), -left)) : ZERO_VALUE,
      ),
    );
  writer.loop(0, rows, (row) => {
    const planeRow = writer.integer(add(of.top, row), -rows, plane[0] + rows);
    const inside = all([compare("ge", planeRow, ZERO), compare("lt", planeRow, int(plane[0]))]);
    const copy = (): void => {
      if (width < lanes) {
        if (width > 0) writer.when(compare("lt", lane, int(width)), () => block(row, planeRow, int(from)));
        return;
      }
      const turns = Math.ceil(width / lanes);
      writer.loop(0, turns, (turn) =>
        block(row, planeRow, writer.integer(addInt(min(mul(turn, lanes), int(width - lanes)), from))),
      );
    };
    const clear = (): void =>
      writer.loop(from, to, (column) => writer.store(memory, add(at(row, column), lane), ZERO_VALUE));
    writer.when(inside, copy, clear);
  });
}
