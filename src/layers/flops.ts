import { type Node, sizeOf } from "../../codegen/ir/graph.js";
import { operationCount } from "../../codegen/ir/scalar.js";

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

/** Operations of one node alone. */
export function flopsOf(node: Node): number {
  const size = sizeOf(node.shape);
  switch (node.op) {
    case "map":
      return size * operationCount(node.expr);
    case "reduce":
      return sizeOf(node.inputs[0].shape);
    case "matmul":
      return 2 * size * node.inputs[0].shape[node.transA ? 1 : 2];
    case "conv":
      return (2 * size * sizeOf(node.inputs[1].shape)) / node.inputs[1].shape[0];
    case "convData":
      return (2 * sizeOf(node.inputs[0].shape) * sizeOf(node.inputs[1].shape)) / node.inputs[1].shape[0];
    case "convFilter":
      return (2 * sizeOf(node.inputs[1].shape) * size) / node.shape[0];
    case "windowMax":
    case "windowArgmax":
    case "windowSum":
      return size * node.window.reduce((product, axis) => product * axis.size, 1);
    case "windowSpread":
      return sizeOf(node.inputs[0].shape) * node.window.reduce((product, axis) => product * axis.size, 1);
    case "windowScatter":
    case "scatter":
      return sizeOf(node.inputs[0].shape);
    case "input":
    case "param":
    case "constant":
    case "windowPick":
    case "gather":
    case "reshape":
    case "transpose":
    case "slice":
    case "concat":
    case "pad":
    case "random":
    case "blob":
    case "stop":
      return 0;
    default:
      return node satisfies never;
  }
}
