import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node } from "../../codegen/ir/graph.js";
import { add, arg, constant, div, mul, sub, unary } from "../../codegen/ir/scalar.js";

/**
 * √x, whose derivative is taken to be 1 / 2(√x + ε), as Caffe writes it by hand in MVN and ContrastiveLoss: finite at
 * 0, and off by the share ε / √x elsewhere.
 */
export function guardedRoot(builder: GraphBuilder, x: Node, epsilon: number): Node {
  const fixed = builder.stop(x);
  const root = builder.map(unary("sqrt", arg(0)), [fixed], x.shape);
  // The second term is 0, with the wanted slope.
  const slope = mul(constant(2), add(arg(0), constant(epsilon)));
  const guarded = add(arg(0), div(sub(arg(1), arg(2)), slope));
  return builder.map(guarded, [root, x, fixed], x.shape);
}
