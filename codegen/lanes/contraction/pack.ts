import { dot, overShape } from "../../contraction/positions.js";
import { inTile, tileCount } from "../../contraction/tiles.js";
import { type Node, sizeOf } from "../../ir/graph.js";
import { add, addInt, compare, flatten, int, mul, unflatten } from "../../kernel/indices.js";
import type { Index, Memory } from "../../kernel/kernel.js";
import { ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { overVectors } from "../over-vectors.js";

/**
 * Matrices laid out for lanes: `[member][block][depth][vectors of the block × lanes]`. Rows go into lanes, as many vectors side
 * by side as a tile of sums has; what the rows do not fill is zero. A block begins where its vectors do, so that
 * narrower blocks leave no gaps. The layout depends on the matrices alone.
 */
export interface Packing {
  readonly node: Node;
  /** Independent matrices, and how far apart they lie in the node. */
  readonly members: { readonly count: number; readonly stride: number };
  /** What lanes hold. */
  readonly rows: { readonly count: number; readonly stride: number };
  /** What is summed over, outermost first; strides in the node. */
  readonly depth: { readonly shape: readonly number[]; readonly strides: readonly number[] };
  readonly lanes: number;
  /** Vectors of a block at most; `cut` tells those of each. */
  readonly vectors: number;
}

export const vectorsOf = ({ rows, lanes }: Packing): number => Math.ceil(rows.count / lanes);

/** Elements of one packed member. */
const memberElements = (packing: Packing): number =>
  vectorsOf(packing) * packing.lanes * sizeOf(packing.depth.shape);

export const packedElements = (packing: Packing): number => packing.members.count * memberElements(packing);

/** The memory that holds them, from `offset` on: kept where the matrices change only with parameters. */
export const packedMemory = (
  { isSteady }: StepContext,
  { workspace }: KernelDraft,
  packing: Packing,
  offset: number,
): Memory => workspace(offset, packedElements(packing), isSteady(packing.node));

/** Elements of the workspace that they take. */
export const packedRoom = ({ isSteady }: StepContext, packing: Packing): number =>
  isSteady(packing.node) ? 0 : aligned(packedElements(packing));

/** A block of `width` vectors, the first of which is vector number `first` of its member. */
export interface PackedBlock {
  readonly member: Index;
  readonly first: Index;
  readonly width: number;
}

/** Where vector `vector` of a block lies, at a row-major position of depth. */
export function packedAt(
  packing: Packing,
  { member, first, width }: PackedBlock,
  depth: Index,
  vector = 0,
): Index {
  const start = add(
    mul(member, memberElements(packing)),
    mul(first, packing.lanes * sizeOf(packing.depth.shape)),
  );
  return addInt(add(start, mul(depth, width * packing.lanes)), vector * packing.lanes);
}

/**
 * Packs into the workspace from `offset` on. Where the last axis of depth is contiguous, blocks of rows × depth are read along
 * depth and stored the other way round; where rows are, plain vectors are copied.
 */
export function lowerPacking(context: StepContext, packing: Packing, offset: number): LoweredKernel {
  const { node, members, rows, lanes } = packing;
  const draft = context.open();
  const { writer, evaluate } = draft;
  const vectors = vectorsOf(packing);
  const blocks = tileCount(vectors, packing.vectors);
  const outer = packing.depth.shape.slice(0, -1);
  const [shared, ...walked] = [outer[0] ?? 1, ...outer.slice(1)];
  const [member, block, slice] = unflatten(writer.parallel(members.count * blocks * shared), [
    members.count,
    blocks,
    shared,
  ]).map((c) => writer.integer(c));
  const lane = writer.team(lanes);
  const memory = packedMemory(context, draft, packing, offset);
  const { along, last } = innerAxis(packing);

  const copyVector = (to: PackedBlock, vector: number, count: number, at: readonly Index[]): void => {
    const row = mul(addInt(to.first, vector), lanes);
    const from = add(mul(member, members.stride), dot(at, packing.depth.strides.slice(0, at.length)));
    const position = (inner: Index): Index => flatten([...at, inner], packing.depth.shape);
    const element = (r: Index, inner: Index) =>
      evaluate.elementAt(node, add(add(from, mul(r, rows.stride)), mul(inner, last.stride)));
    if (along === "rows") {
      writer.loop(0, last.extent, (inner) => {
        const value = evaluate.guard(
          count === lanes || compare("lt", lane, int(count)),
          () => element(add(row, lane), inner),
          () => ZERO_VALUE,
        );
        writer.store(memory, add(packedAt(packing, to, position(inner), vector), lane), value);
      });
      return;
    }
    overVectors(writer, last.extent, lanes, lane, (inner) => {
      const values = Array.from({ length: lanes }, (_, i) =>
        i < count ? element(addInt(row, i), inner) : ZERO_VALUE,
      );
      writer.stores(memory, packedAt(packing, to, position(inner), vector), values);
    });
  };

  inTile(writer, vectors, packing.vectors, block, (first, width) => {
    const to = { member, first, width };
    overShape(writer, walked, (inner) => {
      const at = outer.length === 0 ? [] : [slice, ...inner];
      for (let vector = 0; vector < width; vector++)
        writer.when(
          compare("lt", addInt(first, vector), int(Math.floor(rows.count / lanes))),
          () => copyVector(to, vector, lanes, at),
          () => copyVector(to, vector, rows.count % lanes, at),
        );
    });
  });
  return draft.close(0, `pack ${node.shape.join("×")} for lanes`);
}

/** Which way memory is read, and the innermost axis of depth. */
function innerAxis({ rows, depth }: Packing) {
  const axis = depth.shape.length - 1;
  const last = { extent: depth.shape[axis] ?? 1, stride: depth.strides[axis] ?? 1 };
  return { last, along: rows.stride === 1 ? "rows" : "depth" } as const;
}

/** The next element at which a vector of any width begins a line of the cache. */
export const aligned = (elements: number): number => Math.ceil(elements / 16) * 16;
