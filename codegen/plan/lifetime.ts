import { type Node, passOf } from "../ir/graph.js";
import type { Step } from "./plan.js";
import type { Uses } from "./uses.js";

/** When a value must be in memory, in steps, both inclusive; −1 is before the first step. */
export interface Lifetime {
  readonly first: number;
  readonly last: number;
  /** Whether it is wanted after the last step, too: by callers, or by another run. */
  readonly kept: boolean;
  /** Steps that load it, ascending. */
  readonly readers: readonly number[];
}

/**
 * The lifetimes of all bases in the arena: from the step that stores a value to the last that loads it, or longer:
 *  - inputs from before the first step to the end: forward may run again on the same inputs;
 *  - values of blobs, diffs and gradients to the end: callers read them after forward and after backward;
 *  - a parameter's next value to the end of its pass, when it is copied;
 *  - under `repeatBackward`, what backward loads of forward, to the end;
 *  - what is stored when parameters have changed, all the time: that pass runs before any forward or backward.
 * `elsewhere` lie in no arena (parameters, and what is written straight into one).
 */
export function findLifetimes(
  steps: readonly Step[],
  uses: Uses,
  elsewhere: ReadonlyMap<Node, unknown>,
  repeatBackward: boolean,
): ReadonlyMap<Node, Lifetime> {
  const end = steps.length - 1;
  const backwardAt = steps.findIndex(({ pass }) => pass === "backward");
  const forwardSteps = backwardAt === -1 ? steps.length : backwardAt;
  const preparing = steps.filter(({ pass }) => pass === "prepare").length;
  const readers = readersOf(steps, uses);
  const lifetimes = new Map<Node, Lifetime>();
  const first = new Map<Node, number>();
  for (const node of uses.nodes) if (node.op === "input") first.set(node, -1);
  for (const step of steps) for (const store of step.stores) first.set(store, step.index);

  for (const [node, start] of first) {
    if (elsewhere.has(node)) continue;
    const loads = readers.get(node) ?? [];
    const prepared = start >= 0 && start < preparing;
    const needed = Math.max(start, loads.at(-1) ?? start);
    const again = repeatBackward && start < forwardSteps && needed >= forwardSteps;
    const roots = uses.roots(node);
    const kept = prepared || node.op === "input" || again || roots.some((root) => root.role !== "update");
    const ends = roots.map((root) => (passOf(root) === "forward" ? forwardSteps - 1 : end));
    lifetimes.set(node, {
      first: prepared ? -1 : start,
      last: kept ? end : Math.max(needed, ...ends),
      kept,
      readers: loads,
    });
  }
  return lifetimes;
}

/** The steps that load each base, ascending. */
function readersOf(steps: readonly Step[], uses: Uses): ReadonlyMap<Node, readonly number[]> {
  const readers = new Map<Node, number[]>();
  for (const step of steps)
    for (const base of new Set(step.reads.map(uses.base))) {
      const known = readers.get(base);
      if (known) known.push(step.index);
      else readers.set(base, [step.index]);
    }
  return readers;
}
