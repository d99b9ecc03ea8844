import { InternalError } from "../../../proto/errors/index.js";
import { sizeOf, type WindowAxis } from "../../ir/graph.js";
import { unflatten } from "../../kernel/indices.js";
import type { Index } from "../../kernel/kernel.js";
import { type KernelWriter, plus, ZERO_VALUE } from "../../kernel/writer.js";
import {
  byAxis,
  overCovering,
  overElements,
  positionOf,
  positionsLieInside,
} from "../../lower/lower-window.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";

/**
 * The adjoint of gather without atomics: a thread for each element of the table, which adds, in order, the rows whose
 * position names it.
 */
export function lowerScatterByElement(context: StepContext): readonly LoweredKernel[] {
  const { anchor } = context;
  if (anchor.op !== "scatter") throw new InternalError(`lowerScatterByElement of ${anchor.op}`);
  const [rows, position] = anchor.inputs;
  const draft = context.open();
  const { writer, evaluate } = draft;
  const [row, ...rest] = unflatten(writer.parallel(sizeOf(anchor.shape)), anchor.shape).map((c) =>
    writer.integer(c),
  );
  const sum = writer.variable(ZERO_VALUE);
  writer.loop(0, position.shape[0], (p) =>
    writer.when({ kind: "compare", cmp: "eq", a: evaluate.indexAt(position, [p]), b: row }, () =>
      writer.assign(sum, plus(sum, evaluate.valueAt(rows, [p, ...rest]))),
    ),
  );
  draft.storeAt([row, ...rest], { type: "real", value: sum });
  return [draft.close(sizeOf(rows.shape))];
}

/**
 * The adjoint of picking a position in each window, without atomics: a thread for each element of the plain side adds,
 * in order, the values of the windows whose position is its own. Where each position is known to lie in its window,
 * those are among the windows that cover the element; else any window of the plane may name it.
 */
export function lowerWindowScatter(context: StepContext): readonly LoweredKernel[] {
  const { anchor } = context;
  if (anchor.op !== "windowScatter") throw new InternalError(`lowerWindowScatter of ${anchor.op}`);
  const [y, position] = anchor.inputs;
  const window = byAxis(anchor.window);
  const over = positionsLieInside(anchor) ? overCovering : overAll;
  const element = ({ writer, evaluate, storeAt }: KernelDraft, at: readonly Index[]): void => {
    const own = writer.integer(positionOf(window, at));
    const sum = writer.variable(ZERO_VALUE);
    over(writer, window, at, (c) =>
      writer.when({ kind: "compare", cmp: "eq", a: evaluate.indexAt(position, c), b: own }, () =>
        writer.assign(sum, plus(sum, evaluate.valueAt(y, c))),
      ),
    );
    storeAt(at, { type: "real", value: sum });
  };
  return [overElements(context, anchor, element)];
}

/** All windows of the plane. */
function overAll(
  writer: KernelWriter,
  window: readonly WindowAxis[],
  at: readonly Index[],
  body: (coordinates: readonly Index[]) => void,
): void {
  const [first, ...rest] = window;
  if (!first) body(at);
  else
    writer.loop(0, first.windows, (v) =>
      overAll(
        writer,
        rest,
        at.map((c, axis) => (axis === first.axis ? v : c)),
        body,
      ),
    );
}
