import { InternalError } from "../../proto/errors/index.js";
import { type Attributes, type Node, type Op, sameShape } from "./graph.js";
import { nodeKey } from "./key.js";
import { attributesOf, PRIMITIVES, primitive } from "./ops/index.js";
import type { GraphBuilder, MakeNode } from "./ops/primitive.js";

export type { GraphBuilder } from "./ops/primitive.js";
export { broadcastShape } from "./ops/shape-rules.js";

/** A new, empty builder. Nodes of two builders never mix. */
export function createBuilder(): GraphBuilder {
  const interned = new Map<string, Node>();

  const make: MakeNode = (op, attributes, inputs, { shape, dtype = "real" } = { shape: [] }) => {
    const draft = { ...attributes, inputs, shape, dtype };
    const inferred = primitive(op).infer(draft);
    const type = { dtype: inferred.dtype ?? "real", shape: inferred.shape };
    const key = nodeKey({ ...attributes, op, inputs, ...type });
    const known = interned.get(key);
    if (known) return known;
    const node = { op, ...attributes, id: interned.size, ...type, inputs, origin: builder.origin };
    Object.freeze(node);
    interned.set(key, node as unknown as Node);
    return node as unknown as Node;
  };

  const rebuild = (node: Node, inputs: readonly Node[]): Node => {
    if (inputs.length === node.inputs.length && inputs.every((x, i) => x === node.inputs[i])) return node;
    const before = builder.origin;
    builder.origin = node.origin;
    try {
      return primitive<Op>(node.op).rebuild?.(builder, node, inputs) ?? overSameShapes(node, inputs, make);
    } finally {
      builder.origin = before;
    }
  };

  const builder = { origin: "", rebuild } as GraphBuilder;
  const makers = (Object.keys(PRIMITIVES) as Op[]).map((op) => [
    op,
    primitive(op).make?.(builder, make) ?? directMaker(op, make),
  ]);
  return Object.assign(builder, Object.fromEntries(makers));
}

/** The method of a primitive that takes its operands and then its attributes. */
function directMaker<K extends Op>(op: K, make: MakeNode): (...of: unknown[]) => Node {
  const { operands } = primitive(op);
  const names = attributesOf(op).map(([name]) => name);
  return (...of) => {
    const attributes = Object.fromEntries(names.map((name, i) => [name, of[operands.length + i]]));
    return make(op, attributes as Attributes<K>, of.slice(0, operands.length) as Node[]);
  };
}

function overSameShapes(node: Node, inputs: readonly Node[], make: MakeNode): Node {
  const fits =
    inputs.length === node.inputs.length &&
    inputs.every((x, i) => sameShape(x.shape, node.inputs[i].shape) && x.dtype === node.inputs[i].dtype);
  if (!fits) throw new InternalError(`${node.op} made anew over inputs of other shapes`);
  const all = node as Node & Readonly<Record<string, unknown>>;
  const attributes = Object.fromEntries(attributesOf(node.op).map(([name]) => [name, all[name]]));
  return make(node.op, attributes as Attributes<Op>, inputs, node);
}
