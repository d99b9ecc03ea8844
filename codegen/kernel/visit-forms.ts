import { type Form, fieldsOf, shapeOf } from "./children.js";
import type { Index, Kernel, Memory, Variable } from "./kernel.js";

/** Called for a form before what stands in it; `false`: that is passed over. `parent`: what it stands in. */
export type Enter = (form: Form, parent: Form | undefined) => unknown;

/** Walks forms and all that stands in them, in the order in which it is evaluated. */
export function visit(forms: Form | readonly Form[], enter: Enter): void {
  walk(forms, undefined, enter);
}

function walk(held: Form | readonly Form[], parent: Form | undefined, enter: Enter): void {
  if ("kind" in held) {
    if (enter(held, parent) === false) return;
    const fields = fieldsOf(held);
    for (const field of shapeOf(held).children) walk(fields[field], held, enter);
  } else for (const form of held) walk(form, parent, enter);
}

/** Each load from memory, of a real or an integer, at any depth. */
export function visitLoads(forms: Form | readonly Form[], found: (buffer: Memory, at: Index) => void): void {
  visit(forms, (form) => {
    if (form.kind === "load" || form.kind === "iload") found(form.buffer, form.at);
  });
}

/** A number that no variable of the kernel has, nor any above it. */
export function firstFree(kernel: Kernel): Variable {
  let free = Math.max(kernel.parallel.variable, kernel.team?.variable ?? 0) + 1;
  visit([...kernel.prologue, ...kernel.body], (form) => {
    if (form.kind === "declare" || form.kind === "for") free = Math.max(free, form.variable + 1);
  });
  return free;
}
