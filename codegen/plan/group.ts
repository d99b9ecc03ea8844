import { present } from "../../proto/errors/index.js";
import type { Node } from "../ir/graph.js";
import { acceptsExpression } from "./legality.js";
import type { NetPass } from "./plan.js";
import { operationsOf } from "./recompute-cost.js";
import { type Uses, viewsOf } from "./uses.js";

/**
 * A step in the making: see `Step` for what its parts mean. Changed in place by the phases of `fuse` and by
 * nothing else.
 */
export interface Group {
  readonly pass: NetPass;
  readonly anchor: Node;
  /**
   * Orders the group, within its pass, after every group it reads: at most the id of each node it stores, and
   * greater than the key of each group whose value it reads. Each phase that changes a group keeps this true, so no
   * fusion can close a cycle.
   */
  key: number;
  stores: readonly Node[];
  readonly inlined: Set<Node>;
  /** Operands in memory, as the graph names them (possibly views). */
  readonly reads: Set<Node>;
  /** Scalar operations for one element. */
  operations: number;
}

/** A loop body no longer than this stays readable, and its values in registers. */
export const MOST_OPERATIONS = 24;
export const MOST_READS = 12;

/** Groups, and which of them holds each base that is in memory. */
export interface Draft {
  readonly uses: Uses;
  readonly passes: ReadonlyMap<Node, NetPass>;
  readonly groups: Set<Group>;
  readonly writer: Map<Node, Group>;
  /** Groups that load a base. */
  readonly readers: Map<Node, Set<Group>>;
}

/** A group that computes one node and stores it. */
export function openGroup(node: Node, pass: NetPass, uses: Uses): Group {
  const group: Group = {
    pass,
    anchor: node,
    key: node.id,
    stores: [node],
    inlined: new Set(),
    reads: new Set(),
    operations: operationsOf(node),
  };
  addOperands(group, node, uses);
  return group;
}

/** A constant needs no memory where an expression may stand. */
export const isLiteral = (user: Node, index: number, uses: Uses): boolean =>
  uses.base(user.inputs[index]).op === "constant" && acceptsExpression(user, index);

/** Notes what a node, computed in a group, reads. */
function addOperands(group: Group, node: Node, uses: Uses): void {
  node.inputs.forEach((operand, index) => {
    if (!isLiteral(node, index, uses)) {
      group.reads.add(operand);
      return;
    }
    const base = uses.base(operand);
    for (const view of viewsOf(operand, base)) group.inlined.add(view);
    group.inlined.add(base);
  });
}

/** The operands of a group that lie in the memory of a base. */
export const readsOf = (group: Group, base: Node, uses: Uses): readonly Node[] =>
  [...group.reads].filter((read) => uses.base(read) === base);

/** Reads no more of a base from memory: the group computes it, so views of it are computed too. */
export function computeHere(group: Group, base: Node, uses: Uses): void {
  for (const read of readsOf(group, base, uses)) {
    group.reads.delete(read);
    for (const view of viewsOf(read, base)) group.inlined.add(view);
  }
}

export function inlineNode(group: Group, node: Node, uses: Uses): void {
  computeHere(group, node, uses);
  group.inlined.add(node);
  group.operations += operationsOf(node);
  addOperands(group, node, uses);
}

/** How many operands a group would load after computing `bases` itself and loading `added` as well. */
export function readsAfter(
  group: Group,
  computed: ReadonlySet<Node>,
  added: Iterable<Node>,
  uses: Uses,
): number {
  const reads = new Set([...group.reads, ...added].filter((read) => !computed.has(uses.base(read))));
  return reads.size;
}

/** The groups that read a value in memory. */
export const readersOf = (draft: Draft, base: Node): Set<Group> =>
  present(draft.readers.get(base), "the readers of a value");

/** Takes all of `from` into `into`: what one computed and the other read is computed there. `from` is gone. */
export function absorb(draft: Draft, into: Group, from: Group): void {
  const { uses } = draft;
  for (const read of from.reads) {
    into.reads.add(read);
    const known = readersOf(draft, uses.base(read));
    known.delete(from);
    known.add(into);
  }
  for (const node of from.inlined) into.inlined.add(node);
  into.operations += from.operations;
  draft.groups.delete(from);
}

/** After `computeHere`: the group is no reader of a base any more. */
export function forgetReader(draft: Draft, group: Group, base: Node): void {
  computeHere(group, base, draft.uses);
  draft.readers.get(base)?.delete(group);
}
