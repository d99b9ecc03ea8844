import { inTile, range, tileCount } from "../../contraction/tiles.js";
import { add, addInt, compare, int, min, mul, sub } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { load } from "../../kernel/writer.js";
import type { KernelDraft } from "../../lower/step.js";
import type { ColumnSchedule } from "./column-schedule.js";
import type { LaneProduct } from "./lane-product.js";
import type { Packing } from "./pack.js";
import type { PaddedPlanes } from "./pad.js";

/** A product with columns in lanes, on its way to kernels. */
export interface Columns {
  readonly product: LaneProduct;
  readonly schedule: ColumnSchedule;
  /** b laid out for lanes; absent: read as it lies. */
  readonly packing?: Packing;
  /** a where it must be computed before. */
  readonly copy?: PaddedPlanes;
  /** Where the copy, and the parts of sums, lie in the workspace. */
  readonly places: { readonly a: number; readonly parts: number };
}

/** Neighbouring vectors of columns. */
export interface Block {
  readonly first: Index;
  readonly width: number;
  /** Lanes of the last vector that are columns. */
  readonly used: number;
}

/** What an iteration has at hand. */
export interface Opened {
  readonly lane: Index;
  readonly member: Index;
  a(row: Index, depth: Index): Value;
  b(block: Block, depth: Index): readonly Value[];
  /** Lays out a slice of b's rows for the iteration's panels, and tells how those are read; absent: b is read as above. */
  slice?(rows: readonly [Index, Index]): (block: Block, number: Index, depth: Index) => readonly Value[];
  /** Asks for rows of b that are read a few tiles later; absent where they are near. */
  ahead?(block: Block, number: Index, rows: readonly [Index, Index]): void;
  /** Ends the work on a row's sums in a block. */
  put(row: Index, block: Block, sums: readonly Value[]): void;
  overPanels(body: (block: Block, number: Index) => void): void;
}

/** How many panels an iteration has. */
function panelsOf({ columns }: LaneProduct, { lanes, tile, panels }: ColumnSchedule, across: Index): Index {
  const all = tileCount(Math.ceil(columns / lanes), tile.vectors);
  return min(int(panels), sub(int(all), mul(across, panels)));
}

/** The panels of an iteration one after the other, the number of each among them. */
export function openPanels(
  { writer }: KernelDraft,
  { product, schedule }: Columns,
  across: Index,
): Opened["overPanels"] {
  const { lanes, tile } = schedule;
  const { columns } = product;
  const vectors = Math.ceil(columns / lanes);
  const start = mul(across, schedule.panels);
  const count = writer.integer(panelsOf(product, schedule, across));
  const used = columns - (vectors - 1) * lanes;
  return (body) =>
    writer.loop(0, count, (number) =>
      inTile(writer, vectors, tile.vectors, add(start, number), (first, width) =>
        writer.when(
          used === lanes || compare("lt", addInt(first, width), int(vectors)),
          () => body({ first, width, used: lanes }, number),
          () => body({ first, width, used }, number),
        ),
      ),
    );
}

/** Slices of b in memory of the iteration: each row of them is read in one go, panel after panel, and stays near. */
export function openSlices(
  { writer }: KernelDraft,
  { lanes, tile, depth, panels }: ColumnSchedule,
  { b, overPanels, lane }: Pick<Opened, "b" | "overPanels" | "lane">,
): Opened["slice"] {
  const own = depth * tile.vectors * lanes;
  const memory = writer.shared("accumulator", panels * own);
  const placeOf = ({ width }: Block, number: Index, row: Index, vector: number): Index =>
    add(add(mul(number, own), mul(row, width * lanes)), addInt(lane, vector * lanes));
  return ([from, to]) => {
    writer.loop(from, to, (k) =>
      overPanels((block, number) =>
        b(block, k).forEach((value, vector) => {
          writer.store(memory, placeOf(block, number, sub(k, from), vector), value);
        }),
      ),
    );
    return (block, number, row) =>
      range(block.width).map((vector) => writer.real(load(memory, placeOf(block, number, row, vector))));
  };
}

/** Tiles of columns that are asked for ahead. */
const AHEAD = 4;

/**
 * Asks for what some tiles later reads of a few rows of b, or of the next ones: each lies in a page of its own, where no
 * processor sees by itself what comes next.
 */
export function openAhead(
  { writer, evaluate }: KernelDraft,
  { product, schedule }: Columns,
  member: Index,
  across: Index,
  line: number,
): Opened["ahead"] {
  const { b } = product;
  const { lanes, tile } = schedule;
  const count = writer.integer(panelsOf(product, schedule, across));
  const start = writer.integer(mul(member, b.member));
  const ask = ([from, to]: readonly [Index, Index], vector: Index): void =>
    writer.loop(from, to, (k) => {
      const at = add(add(start, mul(k, b.depth)), mul(vector, lanes));
      for (let element = 0; element < tile.vectors * lanes; element += line)
        evaluate.prefetch(b.node, addInt(at, element));
    });
  return ({ first }, number, [from, to]) => {
    const later = addInt(first, AHEAD * tile.vectors);
    writer.when(
      compare("lt", addInt(number, AHEAD), count),
      () => ask([from, to], later),
      () =>
        ask([addInt(from, schedule.depth), addInt(to, schedule.depth)], sub(later, mul(count, tile.vectors))),
    );
  };
}
