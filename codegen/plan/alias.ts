import { present } from "../../proto/errors/index.js";
import { type Node, sizeOf } from "../ir/graph.js";
import type { Lifetime } from "./lifetime.js";
import { nameNode } from "./node-names.js";
import type { AliasDecision, Step } from "./plan.js";
import { pointwiseReads } from "./pointwise.js";
import type { Uses } from "./uses.js";

export interface Aliases {
  readonly decisions: readonly AliasDecision[];
  /** For each value that is written over another one: that one. */
  readonly over: ReadonlyMap<Node, Node>;
}

/**
 * In-place, proved: a step writes a value over one that it reads when that step is the last, forward or backward, to
 * need the old one, both have as many elements of one type, and every read of the old one is at the very element
 * being written. Where the prototxt says bottom == top plays no part: every value in the graph is new. Each pair
 * of a stored value and a value read gives a decision with its reason.
 */
export function findAliases(
  steps: readonly Step[],
  uses: Uses,
  lifetimes: ReadonlyMap<Node, Lifetime>,
): Aliases {
  const decisions: AliasDecision[] = [];
  const over = new Map<Node, Node>();
  for (const step of steps) {
    const reads = pointwiseReads(step, uses);
    const candidates = [...reads.keys()].filter((base) => lifetimes.has(base)).sort((a, b) => a.id - b.id);
    const taken = new Map<Node, Node>();
    /** Why a value may not lie over an old one; undefined if it may. */
    const whyNot = (value: Node, old: Node): string | undefined => {
      const name = nameNode(old);
      if (old.dtype !== value.dtype || sizeOf(old.shape) !== sizeOf(value.shape))
        return `refused: ${name} has another size`;
      const later = whyNeeded(old, step.index, steps, uses, present(lifetimes.get(old), "a lifetime"));
      if (later) return `refused: ${later}`;
      if (!reads.get(old))
        return `refused: ${nameNode(step.anchor)} reads ${name} at other elements than it writes`;
      const taker = taken.get(old);
      if (taker) return `refused: ${nameNode(taker)} takes ${name}`;
      const other = over.get(value);
      return other && `not needed: it lies over ${nameNode(other)}`;
    };
    for (const value of step.stores.filter((store) => lifetimes.has(store)))
      for (const old of candidates) {
        const refusal = whyNot(value, old);
        if (refusal === undefined) {
          over.set(value, old);
          taken.set(old, value);
        }
        const reason = refusal ?? `${nameNode(value)} overwrites ${nameNode(old)}: its last reader`;
        decisions.push({ value, over: old, step: step.index, made: refusal === undefined, reason });
      }
  }
  return { decisions, over };
}

/** What still needs a value after a step, for people; undefined if nothing does. */
function whyNeeded(
  node: Node,
  step: number,
  steps: readonly Step[],
  uses: Uses,
  lifetime: Lifetime,
): string | undefined {
  if (lifetime.last <= step && !lifetime.kept) return undefined;
  const name = nameNode(node);
  if (node.op === "input") return `${name} is an input, kept for the next run`;
  const root = uses.roots(node)[0];
  if (root) {
    switch (root.role) {
      case "value":
        return `${name} is the value of a blob that callers may read`;
      case "diff":
        return `${name} is the diff of a blob that callers may read`;
      case "gradient":
        return `${name} is the gradient of parameter ${root.param}`;
      case "update":
        return `${name} is the next value of parameter ${root.param}`;
      case "prepared":
        return `${name} is kept while parameters stay`;
      default:
        root satisfies never;
    }
  }
  const reader = lifetime.readers.find((index) => index > step);
  if (reader === undefined) return `${name} is kept, so that backward can run again`;
  return `${nameNode(steps[reader].stores[0])} reads ${name} later, in ${steps[reader].pass}`;
}
