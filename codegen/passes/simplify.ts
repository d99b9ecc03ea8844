import type { GraphBuilder } from "../ir/builder.js";
import type { Graph } from "../ir/graph.js";
import { rewrite } from "./rewrite-graph.js";
import { simplifyArithmetic } from "./simplify-arithmetic.js";
import { simplifyView } from "./simplify-views.js";

/**
 * Removes what need not be computed: views of views, transposes that a product can do itself, slices of what was
 * just joined or padded, reductions of what was just broadcast, arithmetic on constants. Nothing is computed
 * twice for it: joining element-wise work is the planner's.
 */
export function simplify(graph: Graph, builder: GraphBuilder): Graph {
  return rewrite(graph, builder, (node, b) => simplifyView(node, b) ?? simplifyArithmetic(node, b));
}
