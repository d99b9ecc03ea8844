import type { Node, Op } from "../graph.js";
import type { AttributeKind } from "./attributes.js";
import { convolutions } from "./convolutions.js";
import { rows } from "./gather-scatter.js";
import { leaves } from "./leaves.js";
import { map } from "./map.js";
import { markers } from "./markers.js";
import { products } from "./matmul.js";
import type { Primitive } from "./primitive.js";
import { generators } from "./random.js";
import { reductions } from "./reduce.js";
import { views } from "./views.js";
import { windows } from "./windows.js";

/** All primitives: exactly those that the union of nodes has. */
export const PRIMITIVES: { readonly [K in Op]: Primitive<K> } = {
  ...leaves,
  map,
  ...reductions,
  ...products,
  ...convolutions,
  ...windows,
  ...rows,
  ...views,
  ...generators,
  ...markers,
};

/** The record of an operation. */
export const primitive = <K extends Op>(op: K): Primitive<K> => PRIMITIVES[op];

/** The names and kinds of its attributes, in order. */
export const attributesOf = (op: Op): NamedKinds => ATTRIBUTES[op];

type NamedKinds = readonly (readonly [string, AttributeKind<unknown>])[];

/** Every node that is made asks for its own. */
const ATTRIBUTES = Object.fromEntries(
  Object.entries(PRIMITIVES).map(([op, { attributes }]) => [op, Object.entries(attributes)]),
) as unknown as Readonly<Record<Op, NamedKinds>>;

/** Floating-point operations of a node alone. */
export const flopsOf = (node: Node): number => primitive<Op>(node.op).flops?.(node) ?? 0;
