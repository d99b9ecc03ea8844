import { sizeOf } from "../ir/graph.js";
import { add, addInt, flatten, mul, ZERO } from "../kernel/indices.js";
import type { Index, Memory, Value } from "../kernel/kernel.js";
import { load, ZERO_VALUE } from "../kernel/writer.js";
import type { KernelDraft } from "../lower/step.js";
import { dot, overShape } from "./positions.js";
import { type PaddedCopy, type StridedOperand, stridesOf } from "./strided.js";

/** An operand as a kernel reads it. */
export interface OpenOperand {
  /** Makes the copy, if the operand asks for one, of the member of batch and turns that starts at `from`. */
  fill(from: Index): void;
  /** Where that member then starts in what is read. */
  origin(from: Index): Index;
  at(position: Index): Value;
}

export function openOperand(draft: KernelDraft, { node, copy }: StridedOperand): OpenOperand {
  const { writer, evaluate } = draft;
  const elementAt = (at: Index): Value => evaluate.elementAt(node, at);
  if (!copy) return { fill: () => undefined, origin: (from) => from, at: elementAt };
  const memory = writer.scratch("accumulator", copy.planes * sizeOf(copy.padded));
  // The border stays as it is here: `fill` writes the inside only.
  writer.prologue(() =>
    writer.loop(0, copy.planes * sizeOf(copy.padded), (i) => writer.store(memory, i, ZERO_VALUE)),
  );
  return {
    fill: (from) => fillPadded(draft, copy, memory, (at) => elementAt(add(from, at))),
    origin: () => ZERO,
    at: (position) => writer.real(load(memory, position)),
  };
}

function fillPadded(
  { writer }: KernelDraft,
  { planes, input, padded, before }: PaddedCopy,
  memory: Memory,
  elementAt: (at: Index) => Value,
): void {
  writer.loop(0, planes, (plane) =>
    overShape(writer, input, (at) => {
      const inside = at.map((v, axis) => addInt(v, before[axis]));
      const to = add(mul(plane, sizeOf(padded)), dot(inside, stridesOf(padded)));
      writer.store(memory, to, elementAt(add(mul(plane, sizeOf(input)), flatten(at, input))));
    }),
  );
}
