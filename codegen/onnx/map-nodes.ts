import { present } from "../../proto/errors/present.js";
import type { GraphBuilder } from "../ir/builder.js";
import { type Graph, type Node, nodesOf } from "../ir/graph.js";

/**
 * A graph with other nodes in the place of some. What is decided is decided by the graph as it was: `rewrite`, by contrast, asks
 * about nodes whose operands have changed already.
 *
 * @param instead the node in the place of one; undefined: itself, over what its operands have become, which `made` gives
 */
export function mapNodes(
  graph: Graph,
  builder: GraphBuilder,
  instead: (node: Node, made: (operand: Node) => Node) => Node | undefined,
): Graph {
  const { origin } = builder;
  const all = new Map<Node, Node>();
  const made = (node: Node): Node => present(all.get(node), "what a node has become");
  for (const node of nodesOf(graph)) {
    builder.origin = node.origin;
    all.set(node, instead(node, made) ?? builder.rebuild(node, node.inputs.map(made)));
  }
  builder.origin = origin;
  return { roots: graph.roots.map((root) => ({ ...root, node: made(root.node) })) };
}
