import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node } from "../../codegen/ir/graph.js";
import { arg, div, sub, unary } from "../../codegen/ir/scalar.js";

/** The pieces of a softmax along an axis; `total` has extent 1 there. */
export interface SoftmaxParts {
  /** x minus its greatest value along the axis: never above 0, so that nothing overflows. */
  readonly shifted: Node;
  /** Σ e^shifted. */
  readonly total: Node;
  readonly probability: Node;
}

/** Softmax along `axis`. The greatest value is a constant to the derivative: it cancels out. */
export function softmaxParts(builder: GraphBuilder, x: Node, axis: number): SoftmaxParts {
  const greatest = builder.stop(builder.reduce("max", x, [axis]));
  const shifted = builder.map(sub(arg(0), arg(1)), [x, greatest], x.shape);
  const power = builder.map(unary("exp", arg(0)), [shifted], x.shape);
  const total = builder.reduce("sum", power, [axis]);
  return { shifted, total, probability: builder.map(div(arg(0), arg(1)), [power, total], x.shape) };
}
