import type { GraphBuilder } from "../ir/builder.js";
import type { Graph } from "../ir/graph.js";
import { rewrite } from "./rewrite-graph.js";

/** Replaces blob names and stops by what they stand for: once differentiated, both are identities. */
export function eraseNames(graph: Graph, builder: GraphBuilder): Graph {
  return rewrite(graph, builder, (node) =>
    node.op === "blob" || node.op === "stop" ? node.inputs[0] : undefined,
  );
}
