import { tileCount } from "../../contraction/tiles.js";
import { compare, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import type { KernelWriter } from "../../kernel/writer.js";
import type { StepContext } from "../../lower/step.js";
import type { Correlation } from "./correlation.js";
import type { LaneTile } from "./lane-tile.js";

/** What an iteration computes of each channel: rows of the outer axes, and of each row a stretch. */
export interface Span {
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

export interface Parts {
  readonly count: number;
  /** Elements between channels in the memory of sums: what a tile stores past the end of a row has room. */
  readonly pitch: number;
  /** Pixels of a part at most. */
  readonly most: number;
  inPart(writer: KernelWriter, part: Index, body: (span: Span) => void): void;
}

/**
 * As many rows as a `share`-th of the first cache holds sums of, or a part of one. A part of a row is whole tiles, but for the last.
 */
export function partsOf(
  { target, options }: StepContext,
  of: Correlation,
  tile: LaneTile,
  share: number,
): Parts {
  const { lanes } = of.weights;
  const wide = tile.vectors * lanes;
  const fit = Math.max(
    lanes,
    Math.floor((target.lanes?.l1Bytes ?? 0) / share / options.realBytes / wide) - lanes,
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
      most: each * length,
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
    most: each,
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
