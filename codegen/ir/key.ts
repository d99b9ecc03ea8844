import type { DType, Graph, Node, Op, Shape } from "./graph.js";
import { nodesOf } from "./graph.js";
import { attributesOf } from "./ops/index.js";

/** The parts of a node that make it what it is. */
interface Parts {
  readonly op: Op;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly inputs: readonly Node[];
}

/** An exact key of a node's operation, attributes and inputs: equal keys, equal values. */
export function nodeKey(node: Parts, numberOf: (input: Node) => number = ({ id }) => id): string {
  const { op, dtype, shape, inputs } = node;
  return `${op}|${attributesKey(node)}|${dtype}|${shape.join(",")}|${inputs.map(numberOf).join(",")}`;
}

/**
 * An exact key of a graph: equal keys, equal graphs, their nodes in the same order. It does not depend on what else its
 * builder has made, nor on which layers asked for its nodes.
 */
export function graphKey(graph: Graph): string {
  const numbers = new Map<Node, number>();
  const numberOf = (node: Node): number => numbers.get(node) ?? -1;
  const lines = nodesOf(graph).map((node) => {
    numbers.set(node, numbers.size);
    return nodeKey(node, numberOf);
  });
  const roots = graph.roots.map(({ node, ...root }) => [root, numberOf(node)]);
  return JSON.stringify([lines, roots]);
}

/** The attributes of a node as text, exact and readable: part of the intern key and of the printer's line. */
export function attributesKey(node: Pick<Parts, "op">): string {
  const values = node as Readonly<Record<string, unknown>>;
  return attributesOf(node.op)
    .map(([name, kind], i) => (i === 0 || kind.tight ? "" : " ") + kind.text(values[name]))
    .join("");
}
