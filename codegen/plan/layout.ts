import { present } from "../../proto/errors/index.js";
import { type DType, type Node, sizeOf } from "../ir/graph.js";
import { aligned, mostLive, type Packing, packArena } from "./arena.js";
import type { Lifetime } from "./lifetime.js";
import type { Placement, Plan, Region } from "./plan.js";
import type { Uses } from "./uses.js";

/** Where the values of a plan lie. */
export type Layout = Pick<Plan, "regions" | "placements" | "arenaBytes" | "unsharedBytes" | "peak">;

/**
 * Gives every value its place.
 *
 * @param over what is written over what, in place
 * @param direct values that are written straight into a parameter's memory
 * @param share off: each value in memory of its own
 */
export function layOut(
  uses: Uses,
  lifetimes: ReadonlyMap<Node, Lifetime>,
  over: ReadonlyMap<Node, Node>,
  direct: ReadonlyMap<Node, number>,
  { realBytes, share }: { readonly realBytes: number; readonly share: boolean },
): Layout {
  const bytesOf = (dtype: DType, elements: number): number => elements * (dtype === "real" ? realBytes : 4);
  const spans = [...lifetimes]
    .map(([node, { first, last }]) => ({ node, first, last, bytes: bytesOf(node.dtype, sizeOf(node.shape)) }))
    .sort((a, b) => a.first - b.first || a.node.id - b.node.id);
  const chains = chainAliases(spans, over);
  const packing = share ? packArena(chains) : packApart(chains);
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
  return {
    regions,
    placements: findPlacements(uses, regions, direct),
    arenaBytes: packing.bytes,
    unsharedBytes: spans.reduce((sum, span) => sum + aligned(span.bytes), 0),
    peak: findPeak(regions, lifetimes),
  };
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
function packApart(chains: readonly Chain[]): Packing {
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
