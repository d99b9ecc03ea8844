import { InternalError } from "../../proto/errors/index.js";
import { sizeOf } from "../ir/graph.js";
import { unflatten } from "../kernel/indices.js";
import { load, plus, ZERO_VALUE } from "../kernel/writer.js";
import type { LoweredKernel, StepContext } from "./step.js";

/** The adjoint of gather: each row of the table sums, in order, the rows whose position names it. */
export function lowerScatter(context: StepContext): readonly LoweredKernel[] {
  const { anchor } = context;
  if (anchor.op !== "scatter") throw new InternalError(`lowerScatter of ${anchor.op}`);
  const [rows, position] = [anchor.inputs[0], anchor.inputs[1]];
  const rest = anchor.shape.slice(1);
  const length = sizeOf(rest);
  const draft = context.open();
  const { writer, evaluate } = draft;
  const row = writer.parallel(anchor.shape[0]);
  const sum = writer.scratch("accumulator", length);
  writer.loop(0, length, (i) => writer.store(sum, i, ZERO_VALUE));
  writer.loop(0, position.shape[0], (p) =>
    writer.when({ kind: "compare", cmp: "eq", a: evaluate.indexAt(position, [p]), b: row }, () =>
      writer.loop(0, length, (i) =>
        writer.store(sum, i, plus(load(sum, i), evaluate.valueAt(rows, [p, ...unflatten(i, rest)]))),
      ),
    ),
  );
  writer.loop(0, length, (i) =>
    draft.storeAt([row, ...unflatten(i, rest)], { type: "real", value: load(sum, i) }),
  );
  return [draft.close(sizeOf(rows.shape))];
}
