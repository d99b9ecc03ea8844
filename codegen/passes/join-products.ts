import type { GraphBuilder } from "../ir/builder.js";
import { type Node, type NodeOf, sameShape } from "../ir/graph.js";
import { add, arg } from "../ir/scalar.js";

/** A product and the axis along which each operand's elements are multiplied and added. */
interface Factors {
  readonly x: Node;
  readonly y: Node;
}

/** Products that can be one: of operands that lie the same way, over as many batches. */
const kindOf = ({ inputs: [x, y], transA, transB }: NodeOf<"matmul">): string =>
  `${transA} ${transB} ${x.shape[0]} ${y.shape[0]}`;

const innerAxes = ({ transA, transB }: NodeOf<"matmul">) => ({ x: transA ? 1 : 2, y: transB ? 2 : 1 });

/**
 * A sum of matrix products as one product of joined operands, x₁ y₁ + x₂ y₂ = (x₁ x₂) (y₁ y₂)ᵀ: the gradient of
 * weights that every step of a recurrent layer reads. Only where the products have more elements than what is
 * joined, so that less is written and read. Undefined where no two terms go together.
 */
export function joinProducts(terms: readonly Node[], b: GraphBuilder): Node | undefined {
  const groups = new Map<string, NodeOf<"matmul">[]>();
  for (const term of terms) {
    if (term.op !== "matmul" || !factorsOf(term).every((factors) => pays(factors, term))) continue;
    const kind = kindOf(term);
    const group = groups.get(kind);
    if (group) group.push(term);
    else groups.set(kind, [term]);
  }
  const joined: Node[] = [];
  const taken = new Set<Node>();
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    for (const term of group) taken.add(term);
    joined.push(joinGroup(group, b));
  }
  if (joined.length === 0) return undefined;
  const left = [...terms.filter((term) => !taken.has(term)), ...joined];
  const sum = left.map((_, i) => arg(i)).reduce((x, y) => add(x, y));
  return b.map(sum, left, terms[0].shape);
}

/** In the order in which the earlier of each product's operands were made: what is joined elsewhere is joined alike. */
function joinGroup(group: readonly NodeOf<"matmul">[], b: GraphBuilder): Node {
  const [first] = group;
  const factors = group
    .flatMap(factorsOf)
    .map((pair) => ({ ...pair, made: Math.min(pair.x.id, pair.y.id) }))
    .sort((one, other) => one.made - other.made);
  const axes = innerAxes(first);
  const join = (operand: "x" | "y"): Node =>
    joinAlong(
      factors.map((pair) => pair[operand]),
      axes[operand],
      b,
    );
  return b.matmul(join("x"), join("y"), first.transA, first.transB);
}

/** Whether a product has at least as many elements as its operands: they are copied, it is no longer written and read. */
function pays({ x, y }: Factors, product: NodeOf<"matmul">): boolean {
  const [batches, rows, columns] = product.shape;
  const inner = x.shape[innerAxes(product).x];
  return batches * rows * columns >= inner * (x.shape[0] * rows + y.shape[0] * columns);
}

/** Blocks that follow each other along an axis; whole matrices of one shape are stacked, which is the same memory. */
function joinAlong(parts: readonly Node[], axis: number, b: GraphBuilder): Node {
  const [{ shape }] = parts;
  if (axis !== 1 || shape[0] !== 1 || parts.some((part) => !sameShape(part.shape, shape)))
    return b.concat(parts, axis);
  return b.reshape(b.concat(parts, 0), [1, parts.length * shape[1], shape[2]]);
}

/** The products that an already joined one stands for; any other one is itself. */
function factorsOf(product: NodeOf<"matmul">): readonly Factors[] {
  const [x, y] = product.inputs;
  const axes = innerAxes(product);
  const [xs, ys] = [blocksAlong(x, axes.x), blocksAlong(y, axes.y)];
  const fit = xs.length === ys.length && xs.every((block, i) => block.shape[axes.x] === ys[i].shape[axes.y]);
  return fit ? xs.map((block, i) => ({ x: block, y: ys[i] })) : [{ x, y }];
}

/** What `joinAlong` joined. */
function blocksAlong(x: Node, axis: number): readonly Node[] {
  if (x.op === "concat" && x.axis === axis) return x.inputs;
  if (axis === 1 && x.shape[0] === 1 && x.op === "reshape") {
    const [stack] = x.inputs;
    const block = [1, x.shape[1] / stack.shape[0], x.shape[2]];
    if (
      stack.op === "concat" &&
      stack.axis === 0 &&
      stack.inputs.every((part) => sameShape(part.shape, block))
    )
      return stack.inputs;
  }
  return [x];
}
