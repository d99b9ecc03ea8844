import { type Graph, type Node, sameShape, sizeOf } from "../ir/graph.js";
import { add, arg, constant, mul, select } from "../ir/scalar.js";
import { mapNodes } from "./map-nodes.js";
import {
  GREATEST_BIAS,
  GREATEST_WEIGHT,
  type Levels,
  quantise,
  scalesAlong,
  symmetricLevels,
} from "./quantisation.js";
import {
  asOperand,
  madeKey,
  type Product,
  type ProductNode,
  type Products,
  readKey,
} from "./weighted-products.js";

/** How a graph is quantised. */
export interface Quantiser {
  /** Whether a layer's products are. */
  readonly has: (layer: string) => boolean;
  /** The levels of a value, by its key. */
  readonly levelsOf: (key: string) => Levels;
  /** A node of one element that is greater than 0 where a layer's products are; undefined: they are. */
  readonly switchOf?: (layer: string) => Node;
}

/**
 * A graph in which products read, and convolutions make, numbers of 8 bits, as nodes that round. Weights have a scale for each
 * output, other values one.
 *
 * @param graph what is wanted of the graph that the products are of: the same, or other nodes of it as roots
 */
export function quantiseProducts(graph: Graph, products: Products, quantiser: Quantiser): Graph {
  const { builder: b } = products;
  const chosen = products.all.filter(({ layer }) => quantiser.has(layer));
  const byNode = new Map<Node, Product>(chosen.map((one) => [one.node, one]));
  const byBiased = new Map<Node, Product>(
    chosen.flatMap((one) => (one.biased ? [[one.biased, one] as const] : [])),
  );
  const forAll = roundedForAll(products, chosen, byNode, quantiser);
  const rounded = (one: Product, x: Node, levels: Levels): Node => {
    const made = quantise(b, x, levels);
    const isOn = quantiser.switchOf?.(one.layer);
    return isOn ? b.map(select("gt", arg(2), constant(0), arg(0), arg(1)), [made, x, isOn], x.shape) : made;
  };
  const operandsOf = (one: Product, made: (node: Node) => Node): readonly Node[] => {
    const [reads, weights] = one.node.inputs;
    const levelsOfReads = quantiser.levelsOf(readKey(one));
    const isRounded = forAll.has(one.reads) && !quantiser.switchOf;
    const plain = isRounded ? made(one.reads) : rounded(one, made(one.reads), levelsOfReads);
    const operand = asOperand(b, one.node, b.reshape(plain, reads.shape));
    // On both sides of a change of shape, which changes nothing: runtimes look for it right before the product.
    const isMoved = !sameShape(operand.shape, plain.shape);
    const left = isMoved ? rounded(one, operand, levelsOfReads) : operand;
    const own = asOperand(b, one.node, weights);
    const levels = symmetricLevels(b, scalesAlong(b, own, weightsAxis(one.node)), GREATEST_WEIGHT);
    return [b.reshape(left, reads.shape), b.reshape(rounded(one, own, levels), weights.shape)];
  };
  /** A bias in units of the product's: what a level of a value times a level of a weight is. */
  const biasOf = (one: Product, bias: Node): Node => {
    const count = sizeOf(bias.shape);
    const own = asOperand(b, one.node, one.node.inputs[1]);
    const scales = b.reshape(scalesAlong(b, own, weightsAxis(one.node)), [count]);
    const { scale } = quantiser.levelsOf(readKey(one));
    const unit = b.map(mul(arg(0), arg(1)), [scales, scale], [count]);
    return b.reshape(
      rounded(one, b.reshape(bias, [count]), symmetricLevels(b, unit, GREATEST_BIAS)),
      bias.shape,
    );
  };
  return mapNodes(graph, b, (node, made) => {
    const product = byNode.get(node);
    const biased = byBiased.get(node);
    const whole = product
      ? b.rebuild(node, operandsOf(product, made))
      : biased &&
        b.map(add(arg(0), arg(1)), [made(biased.node), biasOf(biased, made(node.inputs[1]))], node.shape);
    const found = forAll.get(node);
    if (!found) return whole;
    const value = whole ?? b.rebuild(node, node.inputs.map(made));
    return rounded(found.by, value, quantiser.levelsOf(found.key));
  });
}

/**
 * Values that are rounded for all that read them: what convolutions make, and what products read where none of those stays float, so
 * that sums and concatenations between products are of 8 bits, too.
 */
function roundedForAll(
  products: Products,
  chosen: readonly Product[],
  byNode: ReadonlyMap<Node, Product>,
  { switchOf }: Quantiser,
): ReadonlyMap<Node, { readonly by: Product; readonly key: string }> {
  const made = chosen.flatMap((by) =>
    by.makes && !isRoundedByReaders(by.makes, products, byNode)
      ? [[by.makes, { by, key: madeKey(by) }] as const]
      : [],
  );
  const others = new Set(products.all.flatMap((one) => (byNode.has(one.node) ? [] : [one.reads])));
  const isFree = (value: Node): boolean =>
    value.op !== "input" && !products.ends.has(value) && !others.has(value);
  const read = chosen.flatMap((by) =>
    isFree(by.reads) ? [[by.reads, { by, key: readKey(by) }] as const] : [],
  );
  // With switches each layer is looked at by itself.
  return new Map(switchOf ? made : [...made, ...read]);
}

/** The axis of weights, as an operand, along which they have a scale each. */
const weightsAxis = (node: ProductNode): number => (node.op === "conv" || node.transB ? 0 : 1);

/** Values that are what they read, moved or left out: runtimes round before them as well as behind. */
const moves = (node: Node): boolean => node.op === "reshape" || node.op === "windowMax";

/** Whether all that reads a value are products that round it, so that it need not be twice. */
function isRoundedByReaders(
  value: Node,
  { readersOf: readers }: Products,
  products: ReadonlyMap<Node, Product>,
): boolean {
  const pending = [value];
  for (let node = pending.pop(); node; node = pending.pop()) {
    const all = readers(node);
    if (all.length === 0) return false;
    for (const reader of all) {
      const product = products.get(reader);
      if (product ? reader.inputs[0] !== node : !moves(reader)) return false;
      if (!product) pending.push(reader);
    }
  }
  return true;
}
