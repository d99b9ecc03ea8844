import type { Node, NodeOf } from "../../ir/graph.js";
import { unflatten, ZERO } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";

/** c[member, row, column] = Σ over depth of a[member, row, depth] · b[member, depth, column], columns (or depth) in lanes. */
export interface LaneProduct {
  readonly members: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** How far neighbours lie apart in memory; `members` 0: one matrix for all. */
  readonly a: LaneOperand & { readonly row: number };
  readonly b: LaneOperand & { readonly column: number };
  /** Whether, in the result, neighbouring rows lie side by side; else neighbouring columns do. */
  readonly turned?: boolean;
  coordinates(member: Index, row: Index, column: Index): readonly Index[];
}

interface LaneOperand {
  readonly node: Node;
  readonly member: number;
  readonly depth: number;
}

/**
 * A matmul node as such a product. Where all of a batch share b, its rows are one long matrix; a single column is a row of
 * the transposed product.
 */
export function laneProductOf(anchor: NodeOf<"matmul">): LaneProduct {
  const { transA, transB } = anchor;
  const [a, b] = [anchor.inputs[0], anchor.inputs[1]];
  const [batch, height, columns] = anchor.shape;
  const depth = transA ? a.shape[1] : a.shape[2];
  const memberA = a.shape[0] === 1 ? 0 : height * depth;
  const memberB = b.shape[0] === 1 ? 0 : columns * depth;
  const [rowA, depthA] = transA ? [1, height] : [depth, 1];
  const [columnB, depthB] = transB ? [depth, 1] : [1, columns];
  const joined = memberB === 0 && (batch === 1 || memberA === height * rowA);
  const [members, rows] = joined ? [1, batch * height] : [batch, height];
  const split = (member: Index, row: Index): readonly Index[] =>
    joined ? unflatten(row, [batch, height]) : [member, row];
  if (columns > 1 || rows === 1)
    return {
      members,
      rows,
      columns,
      depth,
      a: { node: a, member: memberA, row: rowA, depth: depthA },
      b: { node: b, member: memberB, column: columnB, depth: depthB },
      coordinates: (member, row, column) => [...split(member, row), column],
    };
  return {
    members,
    rows: 1,
    columns: rows,
    depth,
    a: { node: b, member: memberB, row: 0, depth: depthB },
    b: { node: a, member: memberA, column: rowA, depth: depthA },
    coordinates: (member, _, column) => [...split(member, column), ZERO],
  };
}

/** The same with rows and columns in each other's place. */
export const turnedProduct = (product: LaneProduct): LaneProduct => {
  const { a, b, rows, columns, coordinates } = product;
  return {
    ...product,
    rows: columns,
    columns: rows,
    turned: true,
    a: { node: b.node, member: b.member, depth: b.depth, row: b.column },
    b: { node: a.node, member: a.member, depth: a.depth, column: a.row },
    coordinates: (member, row, column) => coordinates(member, column, row),
  };
};

export const flopsOf = ({ members, rows, columns, depth }: LaneProduct): number =>
  2 * members * rows * columns * depth;
