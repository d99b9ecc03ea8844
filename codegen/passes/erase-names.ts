import type { GraphBuilder } from "../ir/builder.js";
import type { Graph } from "../ir/graph.js";
import { isMarker } from "../ir/ops/markers.js";
import { rewrite } from "./rewrite-graph.js";

/** Replaces markers by what they stand for: once differentiated, all are identities. */
export function eraseNames(graph: Graph, builder: GraphBuilder): Graph {
  return rewrite(graph, builder, (node) => (isMarker(node) ? node.inputs[0] : undefined));
}
