import { cut, forTiles, inTile, range, tileCount } from "../../contraction/tiles.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { add, addInt, compare, div, int, min, mul, unflatten } from "../../kernel/indices.js";
import type { Index, Memory, Value } from "../../kernel/kernel.js";
import { fma, type KernelWriter, load, plus, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { flopsOf, type LaneProduct } from "./lane-product.js";
import { turnsOf } from "./lane-tile.js";

/** How sums along lanes are cut up. */
interface DotSchedule {
  readonly lanes: number;
  /** Sums in registers: rows × columns. */
  readonly tile: { readonly rows: number; readonly columns: number };
  /** Groups of as many columns as there are lanes, in an iteration. */
  readonly groups: number;
  /** Vectors of depth for which rows stay near. */
  readonly vectors: number;
  /** Whether b comes from memory: then the next columns are asked for while these are summed. */
  readonly far: boolean;
}

/**
 * Few rows times a matrix that lies along depth: depth in lanes, b read as it lies and once. Rows are laid out so that those
 * of one vector of depth lie side by side: far apart they would contend for the same lines of the cache.
 */
export function lowerDots(
  context: StepContext,
  product: LaneProduct,
  lanes: number,
  description: LanesDescription,
): readonly LoweredKernel[] {
  const schedule = chooseDots(context, product, lanes, description);
  return [lowerRows(context, product, lanes), lowerSums(context, product, schedule)];
}

function chooseDots(
  { target, options }: StepContext,
  { members, rows, columns, depth }: LaneProduct,
  lanes: number,
  { accumulators, registers, l2Bytes }: LanesDescription,
): DotSchedule {
  let [tile, least] = [{ rows: 1, columns: 1 }, Number.POSITIVE_INFINITY];
  for (let wide = 1; wide <= Math.min(lanes, 4); wide *= 2)
    for (
      let high = 1;
      high <= rows && high * wide <= accumulators && high * wide + wide < registers;
      high++
    ) {
      const turns =
        cut(rows, high).reduce((sum, { width, count }) => sum + count * turnsOf(width, wide), 0) / wide;
      // At equal work the most columns: as many streams of b are fetched ahead at once.
      if (turns <= least) [tile, least] = [{ rows: high, columns: wide }, turns];
    }
  const all = Math.ceil(columns / lanes);
  const groups = Math.max(1, Math.min(8, Math.floor((members * all) / target.parallelIterations)));
  const vectors = Math.max(16, Math.floor(l2Bytes / 12 / options.realBytes / lanes / rows));
  return {
    lanes,
    tile,
    groups,
    vectors: Math.min(vectors, Math.max(1, Math.floor(depth / lanes))),
    far: columns * depth * options.realBytes > l2Bytes,
  };
}

const rowElements = ({ rows, depth }: LaneProduct, lanes: number): number =>
  Math.ceil(depth / lanes) * rows * lanes;
const rowMembers = ({ members, a }: LaneProduct): number => (a.member === 0 ? 1 : members);

/** a as `[member][vector of depth][row][lane]`, zero past its end. */
function lowerRows(context: StepContext, product: LaneProduct, lanes: number): LoweredKernel {
  const { a, rows, depth } = product;
  const draft = context.open();
  const { writer, evaluate } = draft;
  const members = rowMembers(product);
  const [member, row] = unflatten(writer.parallel(members * rows), [members, rows]).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const own = rowElements(product, lanes);
  const memory = draft.workspace(0, members * own);
  const from = add(mul(member, a.member), mul(row, a.row));
  const to = add(mul(member, own), mul(row, lanes));
  const whole = Math.floor(depth / lanes);
  const put = (vector: Index, value: Value): void =>
    writer.store(memory, add(add(to, mul(vector, rows * lanes)), lane), value);
  writer.loop(0, whole, (vector) =>
    put(vector, evaluate.elementAt(a.node, add(from, add(mul(vector, lanes), lane)))),
  );
  if (depth > whole * lanes)
    put(
      int(whole),
      evaluate.guard(
        compare("lt", lane, int(depth - whole * lanes)),
        () => evaluate.elementAt(a.node, add(from, addInt(lane, whole * lanes))),
        () => ZERO_VALUE,
      ),
    );
  return draft.close(0, `rows of ${a.node.shape.join("×")} side by side`);
}

/** Sums of an iteration: for each of its columns and each row a vector, of which the sum of lanes is the result. */
interface Opened {
  readonly a: Memory;
  readonly sums: Memory;
  readonly lane: Index;
  readonly member: Index;
  /** The iteration's first column. */
  readonly first: Index;
}

function lowerSums(context: StepContext, product: LaneProduct, schedule: DotSchedule): LoweredKernel {
  const { members, rows, columns, depth } = product;
  const { lanes, groups } = schedule;
  const draft = context.open();
  const { writer } = draft;
  const all = Math.ceil(columns / lanes);
  const blocks = tileCount(all, groups);
  const [member, block] = unflatten(writer.parallel(members * blocks), [members, blocks]).map((c) =>
    writer.integer(c),
  );
  const lane = writer.team(lanes);
  const a = draft.workspace(0, rowMembers(product) * rowElements(product, lanes));
  const sums = writer.scratch("accumulator", groups * lanes * rows);
  const turned = writer.shared("accumulator", lanes * lanes);
  const whole = Math.floor(depth / lanes);
  inTile(writer, all, groups, block, (group, count) => {
    const first = writer.integer(mul(group, lanes));
    const memory: Opened = { a, sums, lane, member, first };
    writer.loop(0, count * lanes * rows, (i) => writer.store(sums, i, ZERO_VALUE));
    writer.loop(
      0,
      whole,
      (from) => {
        const to = writer.integer(min(addInt(from, schedule.vectors), int(whole)));
        addVectors(draft, product, schedule, memory, count * lanes, [from, to], lanes);
      },
      schedule.vectors,
    );
    if (whole * lanes < depth)
      addVectors(
        draft,
        product,
        schedule,
        memory,
        count * lanes,
        [int(whole), int(whole + 1)],
        depth - whole * lanes,
      );
    writer.loop(0, count, (g) =>
      writer.loop(0, rows, (row) => {
        const values = range(lanes).map((i) => load(sums, add(mul(addInt(mul(g, lanes), i), rows), row)));
        const sum = sumOfLanes(writer, turned, lane, values);
        const column = add(first, mul(g, lanes));
        writer.when(
          compare("lt", column, int(columns - (columns % lanes))),
          () =>
            draft.storeAt(product.coordinates(member, row, add(column, lane)), { type: "real", value: sum }),
          () =>
            writer.when(compare("lt", lane, int(columns % lanes)), () =>
              draft.storeAt(product.coordinates(member, row, addInt(lane, columns - (columns % lanes))), {
                type: "real",
                value: sum,
              }),
            ),
        );
      }),
    );
  });
  return draft.close(flopsOf(product));
}

/** The sum of the lanes of each of as many vectors as there are lanes, in one vector: stored turned round, and added. */
export function sumOfLanes(
  writer: KernelWriter,
  turned: Memory,
  lane: Index,
  values: readonly Value[],
): Value {
  const lanes = values.length;
  writer.stores(turned, mul(lane, lanes), values);
  let parts: readonly Value[] = range(lanes).map((l) => load(turned, addInt(lane, l * lanes)));
  while (parts.length > 1)
    parts = range(parts.length / 2).map((i) => plus(parts[i], parts[i + parts.length / 2]));
  return writer.real(parts[0]);
}

/** Adds the products of vectors `from` … `to` of depth, of which `used` lanes count, to the sums of all columns. */
function addVectors(
  { writer, evaluate }: KernelDraft,
  product: LaneProduct,
  { lanes, tile, far }: DotSchedule,
  { a, sums, lane, member, first }: Opened,
  count: number,
  [from, to]: readonly [Index, Index],
  used: number,
): void {
  const { b, rows, columns } = product;
  const startA = product.a.member === 0 ? int(0) : mul(member, rowElements(product, lanes));
  forTiles(writer, count, tile.columns, (column, wide) => {
    // Past the last column its own are read again: what they give is not stored.
    const starts = range(wide).map((j) => {
      const at = min(add(first, addInt(column, j)), int(columns - 1));
      return writer.integer(add(mul(member, b.member), mul(at, b.column)));
    });
    forTiles(writer, rows, tile.rows, (row, high) => {
      const placeOf = (i: number, j: number): Index => add(mul(addInt(column, j), rows), addInt(row, i));
      // Tiles of rows read the same columns: each asks for a share of the next ones, so that memory never waits.
      const share = Math.ceil(wide / tileCount(rows, tile.rows));
      const next = range(far && used === lanes ? share : 0).map((j) => {
        const at = addInt(add(column, div(mul(row, wide), rows)), wide + j);
        return writer.integer(
          add(mul(member, b.member), mul(min(add(first, at), int(columns - 1)), b.column)),
        );
      });
      const own = range(high).map((i) => range(wide).map((j) => writer.variable(load(sums, placeOf(i, j)))));
      writer.loop(from, to, (vector) => {
        for (const start of next) evaluate.prefetch(b.node, add(start, mul(vector, lanes)));
        const bs = starts.map((start) => {
          const at = add(add(start, mul(vector, lanes)), lane);
          return writer.real(
            evaluate.guard(
              used === lanes || compare("lt", lane, int(used)),
              () => evaluate.elementAt(b.node, at),
              () => ZERO_VALUE,
            ),
          );
        });
        own.forEach((line, i) => {
          const at = add(add(startA, mul(add(mul(vector, rows), addInt(row, i)), lanes)), lane);
          const value = writer.real(load(a, at));
          line.forEach((sum, j) => {
            writer.assign(sum, fma(value, bs[j], sum));
          });
        });
      });
      own.forEach((line, i) => {
        line.forEach((sum, j) => {
          writer.store(sums, placeOf(i, j), sum);
        });
      });
    });
  });
}
