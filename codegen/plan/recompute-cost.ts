import { type Node, sizeOf } from "../ir/graph.js";
import { scalarCost } from "../ir/scalar.js";

/** Philox and its scaling, counted as operations of a loop body. */
const RANDOM_OPERATIONS = 4;

/** Operations that a node, inlined, adds to a loop body: a view counts for the indices it takes. */
export function operationsOf(node: Node): number {
  switch (node.op) {
    case "map":
      return scalarCost(node.expr).operations;
    case "random":
      return RANDOM_OPERATIONS;
    case "concat":
      return node.inputs.length;
    case "transpose":
    case "slice":
    case "pad":
      return 1;
    default:
      return 0;
  }
}

/** How often an element may be computed that is not cheap: about once. */
export const ABOUT_ONCE = 1.25;

/** A map so cheap that computing an element again costs about what loading it would. */
export function isCheap(node: Node): boolean {
  if (node.op !== "map" || node.inputs.length > 2) return false;
  const cost = scalarCost(node.expr);
  return cost.operations <= 4 && !cost.transcendental;
}

/** How often all together a node reads elements of one operand: what an operand computed in place would cost. */
export function readsPerOperand(node: Node): number {
  const size = sizeOf(node.shape);
  switch (node.op) {
    case "reduce":
      return sizeOf(node.inputs[0].shape);
    case "windowMax":
    case "windowArgmax":
    case "windowSum":
      return node.window.reduce((n, w) => n * w.size, size);
    case "windowScatter":
    case "windowSpread":
      return node.window.reduce((n, w) => n * Math.ceil(w.size / w.stride), size);
    default:
      return size;
  }
}
