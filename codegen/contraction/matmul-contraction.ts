import { InternalError } from "../../proto/errors/index.js";
import { sizeOf } from "../ir/graph.js";
import { unflatten, ZERO } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import { ZERO_VALUE } from "../kernel/writer.js";
import type { StepContext } from "../lower/step.js";
import type { Contraction } from "./contraction.js";

/** Batched matrix product. Where all of a batch share b, its rows are one long matrix. */
export function matmulContraction({ anchor }: StepContext): Contraction {
  if (anchor.op !== "matmul") throw new InternalError(`matmulContraction of ${anchor.op}`);
  const { transA, transB } = anchor;
  const [a, b] = [anchor.inputs[0], anchor.inputs[1]];
  const [members, height, columns] = [anchor.shape[0], anchor.shape[1], anchor.shape[2]];
  const depth = transA ? a.shape[1] : a.shape[2];
  const joined = b.shape[0] === 1 && !transA;
  return {
    batch: joined ? 1 : members,
    rows: joined ? members * height : height,
    columns,
    depth: [depth],
    a: {
      contiguous: transA ? "outer" : "depth",
      elements: sizeOf(a.shape),
      instructions: () => 3,
      walked: 3,
    },
    b: {
      contiguous: transB ? "depth" : "outer",
      elements: sizeOf(b.shape),
      instructions: () => 3,
      walked: 3,
    },
    share: 1,
    flops: 2 * members * height * columns * depth,
    open({ evaluate }, batch) {
      const split = (row: Index): readonly Index[] =>
        joined ? unflatten(row, [members, height]) : [batch, row];
      return {
        summed: true,
        a(row) {
          const [n, m] = split(row);
          const member = a.shape[0] === 1 ? ZERO : n;
          return (k, within) =>
            evaluate.guard(
              within,
              () => evaluate.valueAt(a, [member, ...(transA ? [k, m] : [m, k])]),
              () => ZERO_VALUE,
            );
        },
        b(column) {
          const member = b.shape[0] === 1 ? ZERO : batch;
          return (k, within) =>
            evaluate.guard(
              within,
              () => evaluate.valueAt(b, [member, ...(transB ? [column, k] : [k, column])]),
              () => ZERO_VALUE,
            );
        },
        column: (column) => (row) => ({ coordinates: [...split(row), column], inside: true }),
      };
    },
  };
}
