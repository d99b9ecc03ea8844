import { type Shape, sizeOf } from "../../ir/graph.js";
import type { GpuDescription } from "../../ir/target-description.js";
import { flatten, unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import type { KernelWriter } from "../../kernel/writer.js";

/**
 * A tensor as rows: the elements that a reduction over some axes brings together are one row. Rows are numbered
 * in row-major order of the axes that stay, a row's elements in row-major order of those that are reduced.
 */
export interface RowDomain {
  /** Neighbouring axes of one kind taken as one, those of extent 1 left out, outermost first. */
  readonly groups: readonly { readonly extent: number; readonly reduced: boolean }[];
  readonly rows: number;
  /** Elements of a row. */
  readonly length: number;
}

export function rowDomain(shape: Shape, axes: readonly number[]): RowDomain {
  const groups: { extent: number; reduced: boolean }[] = [];
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const reduced = axes.includes(axis);
    const last = groups.at(-1);
    if (last?.reduced === reduced) last.extent *= extent;
    else groups.push({ extent, reduced });
  });
  return { groups, rows: sizeOf(extentsOf(groups, false)), length: sizeOf(extentsOf(groups, true)) };
}

const extentsOf = (groups: RowDomain["groups"], reduced: boolean): readonly number[] =>
  groups.filter((group) => group.reduced === reduced).map((group) => group.extent);

export const sameRows = (a: RowDomain, b: RowDomain): boolean =>
  a.groups.length === b.groups.length &&
  a.groups.every(
    ({ extent, reduced }, i) => extent === b.groups[i].extent && reduced === b.groups[i].reduced,
  );

/** Where a row lies: its position along each group of axes that stay. */
export const locateRow = (domain: RowDomain, writer: KernelWriter, row: Index): readonly Index[] => {
  const extents = extentsOf(domain.groups, false);
  return unflatten(row, extents).map((c, i) =>
    extents.length > 1 ? writer.integer(c, 0, extents[i] - 1) : c,
  );
};

/** Row-major position, in the whole tensor, of an element of a located row. */
export function positionInTensor(domain: RowDomain, row: readonly Index[], element: Index): Index {
  const inside = unflatten(element, extentsOf(domain.groups, true));
  let kept = 0;
  let reduced = 0;
  return flatten(
    domain.groups.map((group) => (group.reduced ? inside[reduced++] : row[kept++])),
    domain.groups.map((group) => group.extent),
  );
}

/** The number of a located row. */
export const numberOfRow = (domain: RowDomain, row: readonly Index[]): Index =>
  flatten(row, extentsOf(domain.groups, false));

/** How the threads of a block share rows. Every figure is a power of two. */
export interface RowTeam {
  /** Threads that share a row: each takes every `lanes`-th element. 1: no teams, a thread for each row. */
  readonly lanes: number;
  readonly rowsPerBlock: number;
  /** Neighbouring threads take neighbouring rows, where those are what lies side by side in memory. */
  readonly columns: boolean;
}

/** A team's work on a row is over in so many rounds, or the row is too long for one team. */
const MOST_ROUNDS = 32;
const LARGEST_TEAM = 512;

/** Whether a row is one team's work: longer ones are split where that makes the GPU fuller. */
export const fitsTeam = ({ length }: RowDomain, { lanes }: RowTeam): boolean =>
  lanes === 1 || length <= lanes * MOST_ROUNDS;

/** Rows that lie side by side are read together from so many on: a sector of memory. */
const SECTOR = 8;
const WARP = 32;

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, least)));
const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

/** The one place that says how a reduction's rows are shared: by their number, length and layout. */
export function teamOf({ groups, rows, length }: RowDomain, gpu: GpuDescription): RowTeam {
  const alone: RowTeam = { lanes: 1, rowsPerBlock: 1, columns: false };
  // Half of what the device can hold hides the latency of plain loads.
  const plenty = gpu.multiprocessors * (gpu.threadsPerMultiprocessor / 2);
  const last = groups.at(-1);
  const neighbours = last && !last.reduced ? last.extent : 1;
  if (neighbours >= SECTOR) {
    if (length <= 16 || (rows >= plenty && length <= 512)) return alone;
    const rowsPerBlock = Math.min(WARP, powerOfTwo(rows));
    const lanes = clamp(powerOfTwo(length / 8), 4, LARGEST_TEAM / rowsPerBlock);
    return { lanes, rowsPerBlock, columns: true };
  }
  if (length <= 4) return alone;
  const lanes =
    length <= WARP
      ? powerOfTwo(length)
      : length <= 1024 && rows * WARP >= plenty
        ? WARP
        : clamp(powerOfTwo(length / 4), WARP, LARGEST_TEAM);
  const threads = Math.max(lanes, rows * lanes >= plenty ? 256 : 64);
  return { lanes, rowsPerBlock: threads / lanes, columns: false };
}
