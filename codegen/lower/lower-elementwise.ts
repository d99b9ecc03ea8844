import { type Node, sizeOf } from "../ir/graph.js";
import { operationCount } from "../ir/scalar.js";
import { int } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import { chooseLanes, everyElement } from "../lanes/lane-nest.js";
import { shifted } from "./evaluate.js";
import { joinAxes } from "./nest.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "./step.js";

/**
 * Maps, views that must lie in memory (transpose, slice, pad), constants, random bits, gather and windowPick:
 * one value per element. A concat is one kernel per part.
 */
export function lowerElementwise(context: StepContext): readonly LoweredKernel[] {
  const { anchor } = context;
  if (anchor.op !== "concat") return [lowerOver(context, anchor, undefined)];
  let start = 0;
  return anchor.inputs.flatMap((part) => {
    const at = start;
    start += part.shape[anchor.axis];
    return sizeOf(part.shape) === 0 ? [] : [lowerOver(context, part, { axis: anchor.axis, start: at })];
  });
}

/** Walks `over`'s shape: the anchor itself, or a part that stands at `offset` in it. */
function lowerOver(
  context: StepContext,
  over: Node,
  offset: { readonly axis: number; readonly start: number } | undefined,
): LoweredKernel {
  const { anchor, stores, target } = context;
  const write = (draft: KernelDraft, coordinates: readonly Index[]): void => {
    if (offset) {
      const value = draft.evaluate.valueAt(over, coordinates);
      draft.storeAt(
        shifted(coordinates, offset.axis, int(offset.start)),
        over.dtype === "index"
          ? { type: "index", value: draft.evaluate.indexAt(over, coordinates) }
          : { type: "real", value },
      );
    } else draft.storeAt(coordinates, draft.evaluate.computeAt(anchor, coordinates));
  };
  const shape = over.shape;
  const groups = joinAxes(context, shape, () => true, write);

  const draft = context.open();
  everyElement(draft, target, groups, shape.length, chooseLanes(context, groups, shape, write), (at) =>
    write(draft, at),
  );
  const flops = sizeOf(shape) * stores.reduce((sum, store) => sum + costOf(store), 0);
  return draft.close(flops, `${describe(anchor, stores)}${offset ? `, part at ${offset.start}` : ""}`);
}

/** Arithmetic operations per element of a map. */
const costOf = (node: Node): number => (node.op === "map" ? operationCount(node.expr) : 0);
