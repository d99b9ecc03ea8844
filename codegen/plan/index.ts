import { present } from "../../proto/errors/index.js";
import { type DType, type Graph, type Node, sizeOf } from "../ir/graph.js";
import { findAliases } from "./alias.js";
import { aligned, mostLive, packArena } from "./arena.js";
import { checkOrder, formSteps } from "./fuse.js";
import { findLifetimes, type Lifetime } from "./lifetime.js";
import type { Placement, Plan, PlanOptions, Region } from "./plan.js";
import { formatPlan } from "./print-plan.js";
import { assignPasses } from "./schedule.js";
import { placeUpdates } from "./update.js";
import { findUses, type Uses } from "./uses.js";

export * from "./plan.js";
export { type FormatOptions, formatPlan, summary } from "./print-plan.js";

/**
 * Plans a graph: which loops compute it, in which order, and where each value lies. Pure: the same graph gives the
 * same plan. The phases, in order:
 *
 *  1. `findUses`       who reads what, free views seen through
 *  2. `assignPasses`   forward or backward, for each node
 *  3. `formSteps`      fusion into loop nests, and their order
 *  4. `placeUpdates`   new values of states: in their parameter's memory, or copied at the end of forward
 *  5. `findLifetimes`  from which step to which each value must be in memory
 *  6. `findAliases`    what may be written over what, in place
 *  7. `packArena`      offsets
 *
 * Throws an InternalError for graphs no net lowers to: a state that backward reads after forward replaced it.
 */
export function planGraph(graph: Graph, options: PlanOptions): Plan {
  const { realBytes, fuse = true, alias = true, repeatBackward = false } = options;
  const bytesOf = (dtype: DType, elements: number): number => elements * (dtype === "real" ? realBytes : 4);

  const uses = findUses(graph);
  const steps = formSteps(uses, assignPasses(graph, uses), fuse);
  checkOrder(steps, uses);
  const forwardSteps = steps.filter((step) => step.pass === "forward").length;
  const { direct, copies } = placeUpdates(graph.roots, steps, uses, alias);
  const lifetimes = findLifetimes(steps, forwardSteps, uses, direct, repeatBackward);
  const { decisions, over } = alias
    ? findAliases(steps, uses, lifetimes)
    : { decisions: [], over: new Map<Node, Node>() };

  const spans = [...lifetimes]
    .map(([node, { first, last }]) => ({ node, first, last, bytes: bytesOf(node.dtype, sizeOf(node.shape)) }))
    .sort((a, b) => a.first - b.first || a.node.id - b.node.id);
  const chains = chainAliases(spans, over);
  const packing = alias ? packArena(chains) : packApart(chains);
  const regions = chains.map(
    (chain, id): Region => ({
      id,
      dtype: chain.holds[0].dtype,
      elements: sizeOf(chain.holds[0].shape),
      offset: packing.offsets[id],
      bytes: chain.bytes,
      first: chain.first,
      last: chain.last,
      holds: chain.holds,
    }),
  );

  const plan: Plan = {
    graph,
    steps,
    forwardSteps,
    placements: findPlacements(uses, regions, direct),
    regions,
    aliases: decisions,
    copies,
    arenaBytes: packing.bytes,
    unsharedBytes: spans.reduce((sum, span) => sum + aligned(span.bytes), 0),
    peak: findPeak(regions, lifetimes),
  };
  return printsItself(plan);
}

interface Span {
  readonly node: Node;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

interface Chain {
  readonly holds: Node[];
  readonly bytes: number;
  readonly first: number;
  last: number;
}

/** Values that lie over one another, in the order written, as one stretch of memory. `spans` ascend by `first`. */
function chainAliases(spans: readonly Span[], over: ReadonlyMap<Node, Node>): readonly Chain[] {
  const chains: Chain[] = [];
  const holder = new Map<Node, Chain>();
  for (const { node, bytes, first, last } of spans) {
    const old = over.get(node);
    const chain = old ? holder.get(old) : undefined;
    if (chain) {
      chain.holds.push(node);
      chain.last = last;
      holder.set(node, chain);
    } else {
      const own: Chain = { holds: [node], bytes, first, last };
      chains.push(own);
      holder.set(node, own);
    }
  }
  return chains;
}

/** Each in memory of its own. */
function packApart(chains: readonly Chain[]): {
  readonly offsets: readonly number[];
  readonly bytes: number;
} {
  const offsets: number[] = [];
  let bytes = 0;
  for (const chain of chains) {
    offsets.push(bytes);
    bytes += aligned(chain.bytes);
  }
  return { offsets, bytes };
}

/** Sources, what steps store, and free views of those. */
function findPlacements(
  uses: Uses,
  regions: readonly Region[],
  direct: ReadonlyMap<Node, number>,
): ReadonlyMap<Node, Placement> {
  const regionOf = new Map(regions.flatMap((region) => region.holds.map((node) => [node, region] as const)));
  const placements = new Map<Node, Placement>();
  for (const node of uses.nodes) {
    const base = uses.base(node);
    const offset = uses.offset(node);
    const region = regionOf.get(base);
    const param = base.op === "param" ? base.index : direct.get(base);
    if (region) placements.set(node, { storage: "arena", region, offset });
    else if (param !== undefined) placements.set(node, { storage: "param", param, offset });
  }
  return placements;
}

function findPeak(regions: readonly Region[], lifetimes: ReadonlyMap<Node, Lifetime>): Plan["peak"] {
  const { step, bytes } = mostLive(regions);
  const live = regions
    .filter((region) => region.first <= step && region.last >= step)
    .map((region) => ({
      region,
      // Of the values that take turns there, the one written last by then.
      node: present(
        region.holds.findLast((node) => present(lifetimes.get(node), "a lifetime").first <= step),
        "what a live region holds",
      ),
    }))
    .sort((a, b) => b.region.bytes - a.region.bytes || a.node.id - b.node.id)
    .map(({ node }) => node);
  return { step, bytes, live };
}

/** `String(plan)` and `console.log(plan)` give what `formatPlan` gives. */
function printsItself(plan: Plan): Plan {
  const print = { value: () => formatPlan(plan), enumerable: false };
  return Object.freeze(
    Object.defineProperties(plan, {
      toString: print,
      [Symbol.for("nodejs.util.inspect.custom")]: print,
    }),
  );
}
