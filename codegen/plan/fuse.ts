import { InternalError } from "../../proto/errors/index.js";
import type { Node } from "../ir/graph.js";
import { joinEpilogues, joinTwins } from "./epilogue.js";
import type { Group } from "./group.js";
import { inlineIntoMaps } from "./inline.js";
import type { NetPass, Step } from "./plan.js";
import { inlineProducers } from "./producers.js";
import { orderGroups } from "./schedule.js";
import type { Uses } from "./uses.js";

/**
 * Forms the steps, in order. Without `fuse` each node that is neither a source nor a free view is a step of its
 * own; constants stay in the expressions that read them either way.
 */
export function formSteps(uses: Uses, passes: ReadonlyMap<Node, NetPass>, fuse: boolean): readonly Step[] {
  const draft = inlineIntoMaps(uses, passes, fuse);
  if (fuse) {
    joinTwins(draft);
    joinEpilogues(draft);
    inlineProducers(draft);
  }
  return orderGroups(draft.groups, uses).map(toStep);
}

const byId = (a: Node, b: Node): number => a.id - b.id;

const toStep = (group: Group, index: number): Step => ({
  index,
  pass: group.pass,
  anchor: group.anchor,
  stores: group.stores.toSorted(byId),
  inlined: new Set([...group.inlined].sort(byId)),
  reads: [...group.reads].sort(byId),
});

/** Checks that steps run in an order: each value is stored once, before it is read. */
export function checkOrder(steps: readonly Step[], uses: Uses): void {
  const stored = new Set<Node>();
  for (const step of steps) {
    for (const read of step.reads) {
      const base = uses.base(read);
      if (base.op === "input" || base.op === "param" || stored.has(base)) continue;
      throw new InternalError(`step ${step.index} reads %${base.id} (${base.op}) before it is stored`);
    }
    for (const store of step.stores) {
      if (stored.has(store)) throw new InternalError(`%${store.id} (${store.op}) is stored twice`);
      stored.add(store);
    }
  }
}
