import { present } from "../../proto/errors/present.js";
import type { Graph, Node } from "../ir/graph.js";
import { nodesOf } from "../ir/graph.js";

/** The part of a graph that some of its roots need. @param places of those roots */
export const wantedOf = (graph: Graph, places: ReadonlySet<number>): Graph => ({
  roots: graph.roots.filter((_, place) => places.has(place)),
});

/** Who reads each value of a graph, once each. */
export function readersOf(graph: Graph): ReadonlyMap<Node, readonly Node[]> {
  const readers = new Map<Node, Node[]>();
  for (const node of nodesOf(graph)) {
    for (const input of new Set(node.inputs)) {
      const known = readers.get(input);
      if (known) known.push(node);
      else readers.set(input, [node]);
    }
  }
  return readers;
}

/** Whether several read a value, or it is an output. @param outputs places of the roots that are outputs */
export function sharing(graph: Graph, outputs: ReadonlySet<number>): (node: Node) => boolean {
  const wanted = wantedOf(graph, outputs);
  const readers = readersOf(wanted);
  const ends = new Set(wanted.roots.map(({ node }) => node));
  return (node) => ends.has(node) || (readers.get(node)?.length ?? 0) > 1;
}

/** Whether a node depends on constants alone, and on parameters that are none of these. Each node is looked at once. */
export function steadiness(given: ReadonlySet<number> = new Set()): (node: Node) => boolean {
  const known = new Map<Node, boolean>();
  return (wanted) => {
    const pending = [wanted];
    for (let node = pending.at(-1); node; node = pending.at(-1)) {
      const waiting = known.has(node) ? [] : node.inputs.filter((input) => !known.has(input));
      if (waiting.length > 0) {
        pending.push(...waiting);
        continue;
      }
      const isOwn = node.op === "constant" || (node.op === "param" && !given.has(node.index));
      known.set(node, isOwn || (node.inputs.length > 0 && node.inputs.every((input) => known.get(input))));
      pending.pop();
    }
    return present(known.get(wanted), "whether a node is steady");
  };
}
