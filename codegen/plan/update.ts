import { InternalError } from "../../proto/errors/index.js";
import { type Node, type Root, sizeOf } from "../ir/graph.js";
import type { Plan, Step } from "./plan.js";
import { pointwiseReads } from "./pointwise.js";
import type { Uses } from "./uses.js";

type Update = Extract<Root, { role: "update" }>;

export interface Updates {
  /** Values that are written straight into a parameter's memory, with that parameter. */
  readonly direct: ReadonlyMap<Node, number>;
  readonly copies: Plan["copies"];
}

/**
 * How each update of a parameter reaches it. Straight into the parameter's memory, if the step that computes it
 * reads the old value at the element it writes, no later step reads the old value, and the new one is nothing
 * else's root; else into the arena, and copied when the update's pass ends. An InternalError if backward reads
 * what forward has replaced even so, or if updates would have to change places (a := b, b := a).
 */
export function placeUpdates(
  roots: readonly Root[],
  steps: readonly Step[],
  uses: Uses,
  share: boolean,
): Updates {
  const updates = roots.filter((root): root is Update => root.role === "update");
  if (updates.length === 0) return { direct: new Map(), copies: [] };
  if (new Set(updates.map((update) => update.param)).size !== updates.length)
    throw new InternalError("a parameter is updated twice");

  const writer = new Map(steps.flatMap((step) => step.stores.map((node) => [node, step] as const)));
  const lastRead = new Map<number, Step>();
  for (const step of steps)
    for (const read of step.reads) {
      const base = uses.base(read);
      if (base.op === "param") lastRead.set(base.index, step);
    }
  for (const { param, pass } of updates)
    if (pass === "forward" && lastRead.get(param)?.pass === "backward")
      throw new InternalError(`backward reads parameter ${param}, which forward has updated`);
  const copied = new Set(updates.flatMap(({ node, param }) => sourceParam(node, param, uses)));

  const direct = new Map<Node, number>();
  const copies: Plan["copies"][number][] = [];
  for (const { node, param, pass } of updates) {
    const base = uses.base(node);
    const whole = uses.offset(node) === 0 && sizeOf(node.shape) === sizeOf(base.shape);
    if (base.op === "param" && base.index === param && whole) continue;
    const step = writer.get(base);
    const free =
      share && whole && step && base.dtype === "real" && uses.roots(base).length === 1 && !copied.has(param);
    const last = lastRead.get(param);
    if (
      free &&
      (!last || last.index < step.index || (last === step && readsInPlace(step, param, base, uses)))
    )
      direct.set(base, param);
    else copies.push({ pass, from: node, param });
  }
  return { direct, copies: orderCopies(copies, uses) };
}

/** Whether a step reads a parameter only at the element of `store` that it computes. */
function readsInPlace(step: Step, param: number, store: Node, uses: Uses): boolean {
  return [...pointwiseReads(step, uses)].every(
    ([base, inPlace]) =>
      base.op !== "param" || base.index !== param || (inPlace && sizeOf(base.shape) === sizeOf(store.shape)),
  );
}

/** The parameter that another one is updated from as it is. */
function sourceParam(node: Node, param: number, uses: Uses): readonly number[] {
  const base = uses.base(node);
  return base.op === "param" && base.index !== param ? [base.index] : [];
}

/** Those of forward first; copies out of a parameter before the copy into it. */
function orderCopies(copies: Plan["copies"], uses: Uses): Plan["copies"] {
  const ordered: Plan["copies"][number][] = [];
  let pending = copies;
  while (pending.length > 0) {
    const sources = new Set(pending.flatMap(({ from, param }) => sourceParam(from, param, uses)));
    const ready = pending.filter(({ param }) => !sources.has(param));
    if (ready.length === 0) throw new InternalError("updates of parameters would have to change places");
    ordered.push(...ready);
    pending = pending.filter((copy) => sources.has(copy.param));
  }
  for (const [i, copy] of ordered.entries())
    if (copy.pass === "forward" && ordered.slice(0, i).some(({ pass }) => pass === "backward"))
      if (ordered.some(({ from, param }) => sourceParam(from, param, uses).includes(copy.param)))
        throw new InternalError(`backward copies parameter ${copy.param}, which forward has updated`);
  return ordered.sort((a, b) => (a.pass === b.pass ? 0 : a.pass === "forward" ? -1 : 1));
}
