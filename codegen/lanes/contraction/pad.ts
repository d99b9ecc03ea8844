import { dot, overShape } from "../../contraction/positions.js";
import { stridesOf } from "../../contraction/strided.js";
import { type Node, type Shape, sizeOf } from "../../ir/graph.js";
import { add, addInt, flatten, mul } from "../../kernel/indices.js";
import type { Index, Value } from "../../kernel/kernel.js";
import { load, ZERO_VALUE } from "../../kernel/writer.js";
import type { KernelDraft, LoweredKernel, StepContext } from "../../lower/step.js";
import { overVectors } from "../over-vectors.js";

/** Planes of a node copied with zeros around them: `[plane][…padded]`, `before` zeros in front on each axis. */
export interface PaddedPlanes {
  readonly node: Node;
  readonly planes: number;
  readonly input: Shape;
  readonly padded: Shape;
  readonly before: readonly number[];
}

export const paddedElements = ({ planes, padded }: PaddedPlanes): number => planes * sizeOf(padded);

/** Copies the planes into the workspace from `offset` on, in lanes along rows. */
export function lowerPadding(
  context: StepContext,
  made: PaddedPlanes,
  lanes: number,
  offset: number,
): LoweredKernel {
  const { node, planes, input, padded, before } = made;
  const draft = context.open();
  const { writer, evaluate } = draft;
  const plane = writer.parallel(planes);
  const lane = writer.team(lanes);
  const memory = draft.workspace(offset, paddedElements(made));
  const [own, copied] = [sizeOf(input), sizeOf(padded)];
  const to = writer.integer(mul(plane, copied));
  if (copied !== own)
    overVectors(writer, copied, lanes, lane, (at) => writer.store(memory, add(to, at), ZERO_VALUE));
  const strides = stridesOf(padded);
  overShape(writer, input.slice(0, -1), (row) =>
    overVectors(writer, input[input.length - 1] ?? 1, lanes, lane, (column) => {
      const inside = [...row, column].map((v, axis) => addInt(v, before[axis]));
      const value = evaluate.elementAt(node, add(mul(plane, own), flatten([...row, column], input)));
      writer.store(memory, add(to, dot(inside, strides)), value);
    }),
  );
  return draft.close(0, `pad ${node.shape.join("×")}`);
}

/** Planes as they lie in memory, or a copy of them in the workspace. */
export interface PlaneOperand {
  readonly node: Node;
  readonly copy?: PaddedPlanes;
  readonly place: number;
}

/** Reads them at a position of all planes. */
export function openPlanes(draft: KernelDraft, { node, copy, place }: PlaneOperand): (at: Index) => Value {
  if (!copy) return (position) => draft.evaluate.elementAt(node, position);
  const memory = draft.workspace(place, paddedElements(copy));
  return (position) => load(memory, position);
}
