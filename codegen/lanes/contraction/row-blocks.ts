import { inTile, range } from "../../contraction/tiles.js";
import { type Node, sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, int, min, mul, sub, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { LINE_BYTES } from "./lane-tile.js";
import { aligned } from "./pack.js";
import { firstRow } from "./panel-product.js";

/**
 * Matrices laid out for tiles that read their rows element by element: `[member][block][depth][rows of the block]`.
 * Blocks are those that `cut` gives, one behind the other.
 */
export interface BlockedRows {
  readonly node: Node;
  /** Independent matrices, rows and depth: how many, and how far apart in the node. */
  readonly members: Extent;
  readonly rows: Extent;
  readonly depth: Extent;
  /** Rows of a block at most. */
  readonly height: number;
}

interface Extent {
  readonly count: number;
  readonly stride: number;
}

/** Blocks begin so far apart: after each there is room for the rest of a vector. */
const blockPitch = ({ depth, height }: BlockedRows): number =>
  Math.ceil((depth.count * height) / ROOM + 1) * ROOM;

/** Elements of the widest vector. */
const ROOM = 16;

const blockCount = ({ rows, height }: BlockedRows): number => Math.ceil(rows.count / height);

export const blockedElements = (of: BlockedRows): number =>
  of.members.count * blockCount(of) * blockPitch(of);

/** The memory that holds them, from `offset` on: kept where the matrices change only with parameters. */
export const blockedMemory = (
  { isSteady }: StepContext,
  { workspace }: KernelDraft,
  of: BlockedRows,
  offset: number,
): Memory => workspace(offset, blockedElements(of), isSteady(of.node));

/** Elements of the workspace that they take. */
export const blockedRoom = ({ isSteady }: StepContext, of: BlockedRows): number =>
  isSteady(of.node) ? 0 : aligned(blockedElements(of));

/** Where row `row` of a block, of so many rows, lies. */
export const blockedAt = (
  of: BlockedRows,
  { member, block, height }: { readonly member: Index; readonly block: Index; readonly height: number },
  row: number,
  depth: Index,
): Index =>
  addInt(add(mul(add(mul(member, blockCount(of)), block), blockPitch(of)), mul(depth, height)), row);

/** Whether rows lie side by side in the node. */
const besideEachOther = ({ rows, depth }: BlockedRows): boolean => rows.stride === 1 && depth.stride !== 1;

/** Positions of depth that are asked for ahead where rows lie side by side: a page apart, no processor sees what comes next. */
const AHEAD = 8;

/** From … to. */
type Stretch = readonly [from: Index, to: Index];

/** Where rows of a member go: element `row` of a block of `height` rows, at a position of depth. */
export interface RowsTarget {
  readonly memory: Memory;
  at(block: Index, height: number, row: number, depth: Index): Index;
}

/**
 * Copies some blocks of a member at some positions of depth, which begin at a multiple of the lanes and end at one or with
 * all. Whole vectors are stored, one position after the other: what a vector has too much the next one overwrites, or
 * there is room for it. Where the copy is not `alone`, another one may begin right behind it: that is left untouched.
 */
type CopyRows = (to: RowsTarget, blocks: Stretch, depth: Stretch, alone: boolean) => void;

export function openRows(
  { options }: StepContext,
  { writer, evaluate }: KernelDraft,
  of: BlockedRows,
  { lanes, lane, member }: { readonly lanes: number; readonly lane: Index; readonly member: Index },
): CopyRows {
  const { node, members, rows, depth, height } = of;
  const start = mul(member, members.stride);
  const element = (row: Index, at: Index): Value =>
    evaluate.elementAt(node, add(add(start, mul(row, rows.stride)), mul(at, depth.stride)));
  /** The first row of each vector, and how many of its lanes are rows. */
  const vectorsOf = (own: number): readonly { readonly row: number; readonly count: number }[] =>
    range(Math.ceil(own / lanes)).map((i) => ({ row: i * lanes, count: Math.min(lanes, own - i * lanes) }));
  const when = (count: number, value: () => Value): Value =>
    evaluate.guard(compare("lt", lane, int(count)), value, () => ZERO_VALUE);

  if (besideEachOther(of))
    return ({ memory, at }, [begin, end], [from, to], alone) => {
      const copyAt = (k: Index, masked: boolean): void =>
        writer.loop(begin, end, (block) =>
          inTile(writer, rows.count, height, block, (first, own) => {
            for (const { row, count } of vectorsOf(own)) {
              const value = when(count, () => element(add(addInt(first, row), lane), k));
              writer.when(masked ? compare("lt", lane, int(count)) : true, () =>
                writer.store(memory, add(at(block, own, row, k), lane), value),
              );
            }
          }),
        );
      const first = writer.integer(firstRow({ rows: rows.count, height }, begin));
      const count = writer.integer(sub(firstRow({ rows: rows.count, height }, end), first), 1, rows.count);
      writer.loop(from, alone ? to : addInt(to, -1), (k) => {
        const later = writer.integer(add(add(start, first), mul(addInt(k, AHEAD), depth.stride)));
        writer.loop(
          0,
          count,
          (row) => evaluate.prefetch(node, add(later, row)),
          LINE_BYTES / options.realBytes,
        );
        copyAt(k, false);
      });
      if (!alone) copyAt(addInt(to, -1), true);
    };

  const turned = writer.shared("accumulator", Math.ceil(height / lanes) * lanes * lanes);
  const rest = depth.count % lanes;
  return ({ memory, at }, [begin, end], [from, to]) =>
    writer.loop(begin, end, (block) =>
      inTile(writer, rows.count, height, block, (first, own) => {
        const turn = (begun: Index, depths: number): void => {
          for (const { row, count } of vectorsOf(own)) {
            const values = range(count).map((r) =>
              when(depths, () => element(addInt(first, row + r), add(begun, lane))),
            );
            const filled = [...values, ...range(lanes - count).map(() => ZERO_VALUE)];
            writer.stores(turned, addInt(mul(lane, lanes), row * lanes), filled);
          }
          for (let k = 0; k < depths; k++)
            for (const { row } of vectorsOf(own))
              writer.store(
                memory,
                add(at(block, own, row, addInt(begun, k)), lane),
                load(turned, addInt(lane, (row + k) * lanes)),
              );
        };
        writer.loop(from, addInt(to, 1 - lanes), (k) => turn(k, lanes), lanes);
        if (rest > 0)
          writer.when(compare("eq", to, int(depth.count)), () => turn(int(depth.count - rest), rest));
      }),
    );
}

/** Elements of an iteration's depth, where rows lie side by side. */
const SLICE = 32;
/** Blocks of an iteration there: what it reads of a row of memory is several lines of the cache. */
const BLOCKS = 64;

/** Lays all rows out in the workspace, from `offset` on. */
export function lowerRowBlocks(
  context: StepContext,
  of: BlockedRows,
  lanes: number,
  offset: number,
): LoweredKernel {
  const { members, depth } = of;
  const draft = context.open();
  const { writer } = draft;
  const blocks = blockCount(of);
  const beside = besideEachOther(of);
  const [each, slice] = beside ? [BLOCKS, SLICE] : [1, depth.count];
  const shape = [members.count, Math.ceil(blocks / each), Math.ceil(depth.count / slice)];
  const [member, some, part] = unflatten(writer.parallel(sizeOf(shape)), shape).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const memory = blockedMemory(context, draft, of, offset);
  const stretch = (number: Index, size: number, all: number): Stretch => {
    const from = mul(number, size);
    return [from, writer.integer(min(addInt(from, size), int(all)))];
  };
  const target: RowsTarget = {
    memory,
    at: (block, height, row, k) => blockedAt(of, { member, block, height }, row, k),
  };
  const copy = openRows(context, draft, of, { lanes, lane, member });
  // What follows the last position of a slice is another iteration's.
  copy(target, stretch(some, each, blocks), stretch(part, slice, depth.count), false);
  return draft.close(0, `pack ${of.node.shape.join("×")} in rows`);
}
