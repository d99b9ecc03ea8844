import { createBuilder, type GraphBuilder } from "../ir/builder.js";
import type { Node, NodeOf, Op } from "../ir/graph.js";
import { PRIMITIVES, primitive } from "../ir/ops/index.js";
import type { Pullback } from "../ir/ops/primitive.js";
import { SCALAR_RULES, type ScalarRules } from "../ir/scalar-derivative.js";

export type { Pullback };

/**
 * The vector-Jacobian products, as graph: for a node, one pullback per input. What a pullback reads of the node's
 * inputs or output is what backward must keep (see `readsOf`).
 */
export function vjp(b: GraphBuilder, node: Node, rules: Rules = RULES): readonly Pullback[] {
  if (node.dtype === "index") return node.inputs.map(() => undefined);
  return (rules.nodes[node.op] as Rule<Op>)(b, node, rules.scalars).map((pullback, i) =>
    node.inputs[i].dtype === "index" ? undefined : pullback,
  );
}

type Rule<K extends Op> = (b: GraphBuilder, node: NodeOf<K>, scalars: ScalarRules) => readonly Pullback[];

/** All that differentiation knows: one rule for each primitive and each scalar function. */
export interface Rules {
  readonly nodes: { readonly [K in Op]: Rule<K> };
  readonly scalars: ScalarRules;
}

const ruleOf =
  (op: Op): Rule<Op> =>
  (b, node, scalars) =>
    primitive<Op>(op).vjp?.(b, node, scalars) ?? node.inputs.map(() => undefined);

/** Those of the records: Cortado's own. */
export const RULES: Rules = {
  nodes: Object.fromEntries(
    (Object.keys(PRIMITIVES) as Op[]).map((op) => [op, ruleOf(op)]),
  ) as Rules["nodes"],
  scalars: SCALAR_RULES,
};

/** What the derivative of a node reads beside the cotangent. */
export interface Reads {
  readonly output: boolean;
  /** One per input: whether its value is read. */
  readonly inputs: readonly boolean[];
}

/**
 * Which values a node's vector-Jacobian product reads, for the inputs that `needed` says (default: all). Found by
 * building that product over stand-ins, so that it cannot differ from it.
 */
export function readsOf(node: Node, needed: (input: number) => boolean = () => true): Reads {
  const b = createBuilder();
  const inputs = node.inputs.map((x, i) => b.input(`in${i}`, x.shape, x.dtype));
  const output = b.input("out", node.shape, node.dtype);
  const cotangent = b.input("cotangent", node.shape);
  // The node itself stands in under the id of an input, and its inputs are not followed: its value is at hand.
  const standIn: Node = { ...node, id: output.id, inputs };
  const products = vjp(b, standIn).flatMap((pullback, i) =>
    pullback && needed(i) ? [pullback(cotangent)] : [],
  );
  const read = new Set<number>();
  const pending = [...products];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (read.has(next.id)) continue;
    read.add(next.id);
    if (next.id !== output.id) pending.push(...next.inputs);
  }
  return { output: read.has(output.id), inputs: inputs.map((x) => read.has(x.id)) };
}
