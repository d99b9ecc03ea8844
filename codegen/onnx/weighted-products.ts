import type { GraphBuilder } from "../ir/builder.js";
import { type Graph, type Node, type NodeOf, nodesOf, sameShape, sizeOf } from "../ir/graph.js";
import { scalarKey } from "../ir/scalar.js";
import { readersOf, sharing, steadiness, wantedOf } from "./value-readers.js";

export type ProductNode = NodeOf<"conv" | "matmul">;

/** A product of a value and of weights: a convolution, or one of matrices. */
export interface Product {
  /** The same in a graph of the same net with another batch or with other outputs. */
  readonly key: string;
  readonly layer: string;
  readonly node: ProductNode;
  /** Its left operand, in whatever shape. */
  readonly reads: Node;
  /** With the bias that is added to it, where one is. */
  readonly biased: NodeOf<"map"> | undefined;
  /** What is rounded of its result: with bias and ReLU. Of a product of matrices nothing: what reads it rounds it. */
  readonly makes: Node | undefined;
}

/** The products of a graph whose operands can be numbers of 8 bits. */
export interface Products {
  readonly builder: GraphBuilder;
  readonly all: readonly Product[];
  /** Values whose range must be known, by their keys: a value that several products read has several. */
  readonly values: ReadonlyMap<string, Node>;
  readonly layers: readonly string[];
  readonly readersOf: (node: Node) => readonly Node[];
  /** Outputs: those stay as they are. */
  readonly ends: ReadonlySet<Node>;
}

export const readKey = ({ key }: Product): string => `${key} in`;
export const madeKey = ({ key }: Product): string => `${key} out`;

/** A value before it was given another shape. */
const plainOf = (node: Node): Node => (node.op === "reshape" ? node.inputs[0] : node);

/** A value in the shape in which a matrix has two axes. */
export const asOperand = (b: GraphBuilder, { op }: ProductNode, node: Node): Node =>
  op === "matmul" ? b.reshape(node, node.shape.slice(1)) : node;

/**
 * Finds the products with weights that parameters alone determine.
 *
 * @param graph one whose convolutions have been folded, as it is to be written
 * @param outputs places of the roots that are outputs: those stay as they are
 */
export function productsIn(graph: Graph, builder: GraphBuilder, outputs: ReadonlySet<number>): Products {
  const [isShared, isSteady] = [sharing(graph, outputs), steadiness()];
  const wanted = wantedOf(graph, outputs);
  const ends = new Set(wanted.roots.map(({ node }) => node));
  const readers = readersOf(wanted);
  const counts = new Map<string, number>();
  const all: Product[] = [];
  /** The one reader of a value that nobody else sees. */
  const onlyReader = (node: Node): Node | undefined => (isShared(node) ? undefined : readers.get(node)?.[0]);
  for (const node of nodesOf(wanted)) {
    if (node.op !== "conv" && node.op !== "matmul") continue;
    const [reads, weights] = node.inputs;
    if (isSteady(reads) || !isSteady(weights) || (node.op === "matmul" && node.shape[0] !== 1)) continue;
    const layer = node.origin;
    const count = counts.get(layer) ?? 0;
    counts.set(layer, count + 1);
    const next = onlyReader(node);
    const biased = next && hasBias(next, node, isSteady) ? next : undefined;
    const last = biased ?? node;
    const rectified = onlyReader(last);
    const made = rectified && isRectifier(rectified) ? rectified : last;
    const makes = node.op === "conv" && !ends.has(made) ? made : undefined;
    all.push({ key: `${layer} ${count}`, layer, node, reads: plainOf(reads), biased, makes });
  }
  const values = new Map<string, Node>();
  for (const one of all) {
    values.set(readKey(one), one.reads);
    if (one.makes) values.set(madeKey(one), one.makes);
  }
  const layers = [...new Set(all.map(({ layer }) => layer))];
  return { builder, all, values, layers, ends, readersOf: (node) => readers.get(node) ?? [] };
}

/** Whether a node adds one number for each output to a product. */
function hasBias(node: Node, product: ProductNode, isSteady: (node: Node) => boolean): node is NodeOf<"map"> {
  if (node.op !== "map" || scalarKey(node.expr) !== "add($0,$1)") return false;
  const [sum, bias] = node.inputs;
  if (sum !== product || !isSteady(bias) || !sameShape(node.shape, product.shape)) return false;
  const axis = channelsOf(product);
  return sizeOf(bias.shape) === bias.shape[axis] && bias.shape[axis] === product.shape[axis];
}

/** The axis of a product's result along which each output has its own weights. */
const channelsOf = ({ op }: ProductNode): number => (op === "conv" ? 1 : 2);

/** What runtimes join to a product before they round it. */
const isRectifier = (node: Node): boolean => node.op === "map" && scalarKey(node.expr) === "relu($0)";
