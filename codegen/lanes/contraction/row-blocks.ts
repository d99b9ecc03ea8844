import { inTile, range } from "../../contraction/tiles.js";
import { type Node, sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, int, min, mul, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { aligned } from "./pack.js";

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

const blockedElements = (of: BlockedRows): number => of.members.count * blockCount(of) * blockPitch(of);

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

/** Elements of an iteration's depth, where rows lie side by side. */
const SLICE = 32;
/** Blocks of an iteration there: what it reads of a row of memory is several lines of the cache. */
const BLOCKS = 64;

/**
 * Lays the rows out in the workspace, from `offset` on. Whole vectors are stored, one position of depth after the other: what
 * a vector has too much the next one overwrites, or there is room for it.
 */
export function lowerRowBlocks(
  context: StepContext,
  of: BlockedRows,
  lanes: number,
  offset: number,
): LoweredKernel {
  const { node, members, rows, depth, height } = of;
  const draft = context.open();
  const { writer, evaluate } = draft;
  const blocks = blockCount(of);
  const alongRows = rows.stride === 1 && depth.stride !== 1;
  const each = alongRows ? BLOCKS : 1;
  const shape = [members.count, Math.ceil(blocks / each), alongRows ? Math.ceil(depth.count / SLICE) : 1];
  const [member, some, part] = unflatten(writer.parallel(sizeOf(shape)), shape).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const memory = blockedMemory(context, draft, of, offset);
  const start = mul(member, members.stride);
  const element = (row: Index, at: Index): Value =>
    evaluate.elementAt(node, add(add(start, mul(row, rows.stride)), mul(at, depth.stride)));
  /** The first row of each vector, and how many of its lanes are rows. */
  const vectorsOf = (own: number): readonly { readonly row: number; readonly count: number }[] =>
    range(Math.ceil(own / lanes)).map((i) => ({ row: i * lanes, count: Math.min(lanes, own - i * lanes) }));
  const when = (count: number, value: () => Value): Value =>
    evaluate.guard(compare("lt", lane, int(count)), value, () => ZERO_VALUE);

  if (!alongRows) {
    const turned = writer.shared("accumulator", Math.ceil(height / lanes) * lanes * lanes);
    inTile(writer, rows.count, height, some, (first, own) => {
      const turn = (from: Index, depths: number): void => {
        for (const { row, count } of vectorsOf(own)) {
          const values = range(count).map((r) =>
            when(depths, () => element(addInt(first, row + r), add(from, lane))),
          );
          const filled = [...values, ...range(lanes - count).map(() => ZERO_VALUE)];
          writer.stores(turned, addInt(mul(lane, lanes), row * lanes), filled);
        }
        for (let k = 0; k < depths; k++)
          for (const { row } of vectorsOf(own)) {
            const to = blockedAt(of, { member, block: some, height: own }, row, addInt(from, k));
            writer.store(memory, add(to, lane), load(turned, addInt(lane, (row + k) * lanes)));
          }
      };
      const whole = Math.floor(depth.count / lanes);
      writer.loop(0, whole, (number) => turn(writer.integer(mul(number, lanes)), lanes));
      if (whole * lanes < depth.count) turn(int(whole * lanes), depth.count - whole * lanes);
    });
    return draft.close(0, `pack ${node.shape.join("×")} in rows`);
  }
  const from = mul(part, SLICE);
  const last = writer.integer(min(addInt(from, SLICE), int(depth.count)));
  const begin = mul(some, each);
  const end = writer.integer(min(addInt(begin, each), int(blocks)));
  const copyRows = (k: Index, alone: boolean): void =>
    writer.loop(begin, end, (block) =>
      inTile(writer, rows.count, height, block, (first, own) => {
        for (const { row, count } of vectorsOf(own)) {
          const to = blockedAt(of, { member, block, height: own }, row, k);
          const value = when(count, () => element(add(addInt(first, row), lane), k));
          writer.when(alone ? compare("lt", lane, int(count)) : true, () =>
            writer.store(memory, add(to, lane), value),
          );
        }
      }),
    );
  // What follows the last position of a slice is another iteration's.
  writer.loop(from, addInt(last, -1), (k) => copyRows(k, false));
  copyRows(addInt(last, -1), true);
  return draft.close(0, `pack ${node.shape.join("×")} in rows`);
}
