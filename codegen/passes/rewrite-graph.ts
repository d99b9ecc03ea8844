import { InternalError, present } from "../../proto/errors/index.js";
import type { GraphBuilder } from "../ir/builder.js";
import { type Graph, type Node, nodesOf } from "../ir/graph.js";

/** A node that computes the same as the given one, whose inputs are already rewritten; undefined to leave it. */
export type Rule = (node: Node, builder: GraphBuilder) => Node | undefined;

/**
 * Applies a rule to every node until it changes nothing, inputs first. Each node is rewritten once and what a rule
 * makes is rewritten in turn, so the time is linear in nodes plus rewrites. Without recursion: depth has no limit.
 * The graph itself comes back when nothing changed.
 */
export function rewrite(graph: Graph, builder: GraphBuilder, rule: Rule): Graph {
  const final = new Map<Node, Node>();
  /** What a node was replaced by, while that is itself being rewritten. */
  const becomes = new Map<Node, Node>();
  const origin = builder.origin;
  const finalOf = (node: Node): Node => present(final.get(node), "what a node is rewritten to");

  for (const root of nodesOf(graph)) {
    const pending = [root];
    for (let node = pending.at(-1); node; node = pending.at(-1)) {
      const next = final.has(node) ? undefined : step(node);
      if (next === undefined) pending.pop();
      else pending.push(...next);
    }
  }
  builder.origin = origin;

  const roots = graph.roots.map((root) => {
    const node = finalOf(root.node);
    return node === root.node ? root : { ...root, node };
  });
  return roots.every((root, i) => root === graph.roots[i]) ? graph : { roots };

  /** Takes one node a step further: gives the nodes that must be final before it, or undefined when it is. */
  function step(node: Node): readonly Node[] | undefined {
    const replacement = becomes.get(node);
    if (replacement) {
      const value = final.get(replacement);
      if (!value) throw new InternalError(`rewriting %${node.id} ${node.op} goes round in circles`);
      final.set(node, value);
      becomes.delete(node);
      return undefined;
    }
    const waiting = node.inputs.filter((x) => !final.has(x));
    if (waiting.length > 0) {
      if (waiting.some((x) => becomes.has(x)))
        throw new InternalError(`rewriting %${node.id} ${node.op} goes round in circles`);
      return waiting;
    }
    const rebuilt = builder.rebuild(node, node.inputs.map(finalOf));
    builder.origin = node.origin;
    const changed = rebuilt === node ? (rule(node, builder) ?? node) : rebuilt;
    if (changed === node) {
      final.set(node, node);
      return undefined;
    }
    becomes.set(node, changed);
    return final.has(changed) ? [] : [changed];
  }
}
