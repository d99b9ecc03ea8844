import type { Node } from "../../codegen/ir/graph.js";
import { flopsOf } from "../../codegen/ir/ops/index.js";

/**
 * Floating-point operations of the nodes between `from` (not included) and `to`: a multiply-add counts 2, any other
 * scalar operation 1.
 */
export function flopsBetween(from: readonly Node[], to: readonly Node[]): number {
  const seen = new Set<Node>(from);
  const pending = [...to];
  let flops = 0;
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    flops += flopsOf(node);
    pending.push(...node.inputs);
  }
  return flops;
}
