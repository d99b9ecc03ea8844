import type { DType, Node, Op, Shape } from "./graph.js";
import { attributesOf } from "./ops/index.js";

/** The parts of a node that make it what it is. */
interface Parts {
  readonly op: Op;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly inputs: readonly Node[];
}

/** An exact key of a node's operation, attributes and inputs: equal keys, equal values. */
export function nodeKey(node: Parts): string {
  const { op, dtype, shape, inputs } = node;
  return `${op}|${attributesKey(node)}|${dtype}|${shape.join(",")}|${inputs.map((x) => x.id).join(",")}`;
}

/** The attributes of a node as text, exact and readable: part of the intern key and of the printer's line. */
export function attributesKey(node: Pick<Parts, "op">): string {
  const values = node as Readonly<Record<string, unknown>>;
  return attributesOf(node.op)
    .map(([name, kind], i) => (i === 0 || kind.tight ? "" : " ") + kind.text(values[name]))
    .join("");
}
