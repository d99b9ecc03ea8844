import type { GraphBuilder } from "../ir/builder.js";
import type { Graph } from "../ir/graph.js";
import { constant, div, mul, replace, type Scalar, unary } from "../ir/scalar.js";
import { rewrite } from "./rewrite-graph.js";

/**
 * x^(−1/4), x^(−1/2) and x^(−3/4), as LRN has them, by square roots: exact to the last bits, and where roots are
 * instructions several times as fast as a logarithm and an exponential. Only of −∞ it makes NaN where a power is 0.
 */
export const powersByRoots = (graph: Graph, builder: GraphBuilder): Graph =>
  rewrite(graph, builder, (node, b) => {
    if (node.op !== "map" || node.dtype !== "real") return undefined;
    const expr = replace(node.expr, byRoots);
    return expr === node.expr ? undefined : b.map(expr, node.inputs, node.shape);
  });

function byRoots(x: Scalar): Scalar | undefined {
  if (x.kind !== "binary" || x.op !== "pow" || x.b.kind !== "const") return undefined;
  const root = unary("sqrt", replace(x.a, byRoots));
  const divisors = new Map([
    [-0.25, unary("sqrt", root)],
    [-0.5, root],
    [-0.75, mul(root, unary("sqrt", root))],
  ]);
  const divisor = divisors.get(x.b.value);
  return divisor && div(constant(1), divisor);
}
