import { add, all, int, mul, unflatten } from "../kernel/indices.js";
import type { Condition, Index, Value } from "../kernel/kernel.js";
import { load, plus } from "../kernel/writer.js";
import { describe, type KernelDraft, type LoweredKernel, type StepContext } from "../lower/step.js";
import type { Contraction } from "./contraction.js";

/** A sum cut into parts, each of so many slices of depth; with one part, all of them. */
export interface Split {
  readonly parts: number;
  readonly slices: number;
}

export const partialElements = ({ batch, rows, columns }: Contraction, { parts }: Split): number =>
  parts * batch * rows * columns;

interface Element {
  readonly part: Index;
  readonly member: Index;
  readonly row: Index;
  readonly column: Index;
}

const partialAt = ({ batch, rows, columns }: Contraction, { part, member, row, column }: Element): Index =>
  add(mul(add(mul(add(mul(part, batch), member), rows), row), columns), column);

/** Writes the storing of one element where all of `there` holds. */
export type ElementStore = (
  element: Element,
  there: readonly (Condition | boolean)[],
  coordinates: readonly Index[],
  value: () => Value,
) => void;

/** How a kernel stores what it summed: the step's results, or, of a split sum, its part to the workspace. */
export function elementStore(draft: KernelDraft, contraction: Contraction, split: Split): ElementStore {
  const { writer } = draft;
  if (split.parts === 1)
    return (_, there, coordinates, value) =>
      writer.when(all(there), () => draft.storeAt(coordinates, { type: "real", value: value() }));
  const workspace = draft.workspace(0, partialElements(contraction, split));
  return (element, there, _, value) =>
    writer.when(all(there), () => writer.store(workspace, partialAt(contraction, element), value()));
}

/** The second pass of a split sum: adds the parts of each element in order, then does the step's epilogue. */
export function lowerJoin(context: StepContext, contraction: Contraction, split: Split): LoweredKernel {
  const draft = context.open();
  const { writer } = draft;
  const { batch, rows, columns } = contraction;
  const [member, row, column] = unflatten(writer.parallel(batch * rows * columns), [
    batch,
    rows,
    columns,
  ]).map((c) => writer.integer(c)) as [Index, Index, Index];
  const { coordinates, inside } = contraction.open(draft, member).column(column)(row);
  const workspace = draft.workspace(0, partialElements(contraction, split));
  const at = (part: Index): Value => load(workspace, partialAt(contraction, { part, member, row, column }));
  writer.when(inside, () => {
    const sum = writer.variable(at(int(0)));
    writer.loop(1, split.parts, (part) => writer.assign(sum, plus(sum, at(part))));
    draft.storeAt(coordinates, { type: "real", value: sum });
  });
  const flops = (split.parts - 1) * batch * rows * columns;
  return draft.close(flops, `${describe(context.anchor, context.stores)}, sum of ${split.parts} parts`);
}
