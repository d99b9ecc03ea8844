import { type Node, type Op, sizeOf } from "../ir/graph.js";
import { primitive } from "../ir/ops/index.js";
import { scalarCost } from "../ir/scalar.js";

/** Operations that a node, inlined, adds to a loop body: a view counts for the indices it takes. */
export const operationsOf = (node: Node): number => primitive<Op>(node.op).operations?.(node) ?? 0;

/** How often an element may be computed that is not cheap: about once. */
export const ABOUT_ONCE = 1.25;

/** A map so cheap that computing an element again costs about what loading it would. */
export function isCheap(node: Node): boolean {
  if (node.op !== "map" || node.inputs.length > 2) return false;
  const cost = scalarCost(node.expr);
  return cost.operations <= 4 && !cost.transcendental;
}

/** How often all together a node reads elements of one operand: what an operand computed in place would cost. */
export const readsPerOperand = (node: Node): number =>
  primitive<Op>(node.op).reads?.(node) ?? sizeOf(node.shape);
