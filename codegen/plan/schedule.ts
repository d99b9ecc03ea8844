import { InternalError, present } from "../../proto/errors/index.js";
import { comparePasses, type Graph, type Node, passOf, sizeOf } from "../ir/graph.js";
import { attributesKey } from "../ir/key.js";
import type { Group } from "./group.js";
import { readsUpdated } from "./legality.js";
import type { NetPass } from "./plan.js";
import type { Uses } from "./uses.js";

/** All that is needed for nodes, with them. */
function neededFor(nodes: readonly Node[]): ReadonlySet<Node> {
  const needed = new Set<Node>();
  const pending = [...nodes];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    pending.push(...node.inputs);
  }
  return needed;
}

const rootsOf = (graph: Graph, pass: NetPass): readonly Node[] =>
  graph.roots.filter((root) => passOf(root) === pass).map((root) => root.node);

/** What is prepared, with all that it needs: an InternalError where that is more than parameters. */
function prepared(graph: Graph, uses: Uses): ReadonlySet<Node> {
  const nodes = neededFor(rootsOf(graph, "prepare"));
  for (const node of nodes)
    if (node.op === "input" || node.op === "random" || (node.op === "param" && uses.updated.has(node.index)))
      throw new InternalError(
        `what is prepared reads %${node.id} (${node.op}), which changes with every forward`,
      );
  return nodes;
}

/**
 * Which pass computes each node. Prepare: what is asked to be, and all that it needs. Forward: all that its roots need. Backward: what only backward's roots need,
 * but for three kinds, pulled forward when all they read is there:
 *  - a windowArgmax beside a windowMax of the same window: positions are kept instead of pooling's input;
 *  - a reader of a parameter that forward replaces: afterwards the old value is gone;
 *  - a reduce that is backward's only use of its (larger) input: the sum is kept instead.
 */
export function assignPasses(graph: Graph, uses: Uses): ReadonlyMap<Node, NetPass> {
  const before = prepared(graph, uses);
  const forward = new Set([...before, ...neededFor(rootsOf(graph, "forward"))]);
  // A free view goes with its base. An input that forward does not read may be a diff, given only before backward.
  const ready = (node: Node): boolean => {
    const base = uses.base(node);
    return base.op === "param" || base.op === "constant" || forward.has(base);
  };
  for (const node of uses.nodes) {
    if (forward.has(node) || uses.base(node) !== node || node.inputs.length === 0) continue;
    if (!node.inputs.every(ready)) continue;
    if (hasTwin(node, uses, forward) || readsUpdated(node, uses) || isLastUse(node, uses, forward))
      forward.add(node);
  }
  const passOfNode = (base: Node): NetPass =>
    before.has(base) ? "prepare" : forward.has(base) ? "forward" : "backward";
  return new Map(uses.nodes.map((node) => [node, passOfNode(uses.base(node))]));
}

/** The windowMax whose positions a windowArgmax names, if it is among `candidates`. */
function hasTwin(node: Node, uses: Uses, candidates: ReadonlySet<Node>): boolean {
  if (node.op !== "windowArgmax") return false;
  const max = uses.sites(uses.base(node.inputs[0])).find(({ user }) => isTwin(user, node));
  return max !== undefined && candidates.has(max.user);
}

/** Whether `max` is the windowMax of the input and window that `argmax` gives the positions of. */
export const isTwin = (max: Node, argmax: Node): boolean =>
  max.op === "windowMax" &&
  argmax.op === "windowArgmax" &&
  max.inputs[0] === argmax.inputs[0] &&
  attributesKey(max) === attributesKey(argmax);

function isLastUse(node: Node, uses: Uses, forward: ReadonlySet<Node>): boolean {
  if (node.op !== "reduce") return false;
  const base = uses.base(node.inputs[0]);
  return (
    forward.has(base) &&
    uses.roots(base).length === 0 &&
    sizeOf(node.shape) < sizeOf(base.shape) &&
    uses.sites(base).every(({ user }) => user === node || forward.has(user))
  );
}

/**
 * The order on the one time line. A group's key orders it after all it reads (see group.ts), so sorting by pass
 * and key is a topological order; in backward, ids count from the loss down. Three kinds move within it:
 *  - backward groups that nothing reads (gradients of parameters) come as soon as their operands are there,
 *    before other readers of those: then these may write over the operands;
 *  - those that replace a parameter come after all that reads its old value: then they may write over it;
 *  - what is generated from nothing (a fill) comes right before its first reader.
 */
export function orderGroups(groups: Iterable<Group>, uses: Uses): readonly Group[] {
  const all = [...groups].sort((a, b) => comparePasses(a, b) || a.key - b.key);
  const writer = new Map(all.flatMap((group) => group.stores.map((node) => [node, group] as const)));
  const readers = new Map<Group, Group[]>();
  const readersOfParam = new Map<number, Group[]>();
  for (const group of all)
    for (const read of group.reads) {
      const base = uses.base(read);
      const from = writer.get(base);
      if (from) append(readers, from, group);
      else if (base.op === "param") append(readersOfParam, base.index, group);
    }

  const slots = new Map<Group, Place>(all.map((group, index) => [group, { slot: index, rank: Rank.Own }]));
  const placeOf = (group: Group): Place => present(slots.get(group), "the place of a group");
  const slotAfter = (before: Iterable<Group | undefined>): number => {
    let after = -1;
    for (const group of before)
      if (group && !isFill(group, uses)) after = Math.max(after, placeOf(group).slot);
    return after;
  };
  const ends = all.filter(
    (group) => group.pass === "backward" && !isFill(group, uses) && !readers.has(group),
  );
  const operandsOf = (group: Group): readonly (Group | undefined)[] =>
    [...group.reads].map((read) => writer.get(uses.base(read)));
  for (const group of ends) {
    slots.set(group, { slot: slotAfter(operandsOf(group)), rank: Rank.Early });
  }
  for (const group of ends) {
    const updated = group.stores.flatMap((store) =>
      uses.roots(store).flatMap((root) => (root.role === "update" ? [root.param] : [])),
    );
    if (updated.length === 0) continue;
    const old = updated
      .flatMap((param) => readersOfParam.get(param) ?? [])
      .filter((reader) => reader !== group);
    slots.set(group, { slot: slotAfter([...operandsOf(group), ...old]), rank: Rank.Update });
  }
  for (const group of all.toReversed()) {
    if (!isFill(group, uses)) continue;
    const sites = (readers.get(group) ?? []).filter((reader) => reader.pass === group.pass);
    const slot = sites.reduce((first, reader) => Math.min(first, placeOf(reader).slot), all.length);
    slots.set(group, { slot, rank: Rank.Fill });
  }
  return all.sort((a, b) => {
    const [left, right] = [placeOf(a), placeOf(b)];
    return comparePasses(a, b) || left.slot - right.slot || left.rank - right.rank || a.key - b.key;
  });
}

/** Among groups of one slot: fills, the slot's own group, what its value ends in, what replaces a parameter. */
const Rank = { Fill: 0, Own: 1, Early: 2, Update: 3 } as const;
type Rank = (typeof Rank)[keyof typeof Rank];

/** After which group another comes, and its rank among those that come there. */
interface Place {
  readonly slot: number;
  readonly rank: Rank;
}

const isFill = (group: Group, uses: Uses): boolean =>
  group.stores.length === 1 && uses.generated.has(group.anchor);

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}
