import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node } from "../../codegen/ir/graph.js";
import { add, arg, constant, div, mul, unary } from "../../codegen/ir/scalar.js";

/**
 * √x, whose derivative is taken to be 1 / 2(√x + ε), as Caffe writes it by hand in MVN and ContrastiveLoss: finite at
 * 0, and off by the share ε / √x elsewhere.
 */
export function guardedRoot(builder: GraphBuilder, x: Node, epsilon: number): Node {
  const root = builder.map(unary("sqrt", arg(0)), [x], x.shape);
  const sloping = div(arg(0), mul(constant(2), add(arg(1), constant(epsilon))));
  return builder.instead(root, builder.map(sloping, [x, builder.stop(root)], x.shape));
}
