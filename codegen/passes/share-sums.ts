import { present } from "../../proto/errors/index.js";
import type { GraphBuilder } from "../ir/builder.js";
import {
  type Graph,
  type Node,
  type NodeOf,
  nodesOf,
  type Root,
  type Shape,
  sameShape,
} from "../ir/graph.js";
import {
  add,
  arg,
  argsOf,
  binary,
  constant,
  coordsOf,
  mul,
  neg,
  operationCount,
  type Scalar,
  scalarKey,
  substitute,
} from "../ir/scalar.js";
import { productOf, quotient } from "./regroup.js";

type Sum = NodeOf<"reduce">;

/** `factor` · Σ `rest`, or `factor` · Σ 1; `arg(i)` is the node of id i. */
interface Term {
  /** The same wherever the sum goes. */
  readonly factor: Scalar;
  readonly rest?: Scalar;
}

/**
 * Sums of multiples of the same become one: what is the same wherever a sum goes is taken out of it, and a sum of terms is
 * made of sums that there are anyway. The gradients of a BatchNorm and the Scale behind it are four sums, of which two
 * are left: Σ g and Σ g·(x − m), beside the Σ x that m was made of. Products of two terms that both change are not
 * multiplied out: what is close to m stays exact.
 */
export function shareSums(graph: Graph, builder: GraphBuilder): Graph {
  const nodes = new Map(nodesOf(graph).map((node) => [node.id, node]));
  const shared = sharedSums(nodes);
  if (shared.size === 0) return graph;
  const made = new Map<number, Node>();
  const now = (id: number): Node => present(made.get(id), "what a node has become");
  const formula = (expr: Scalar, shape: Shape): Node => {
    if (expr.kind === "arg") return now(expr.index);
    const ids = argsOf(expr);
    const own = substitute(expr, (leaf) => (leaf.kind === "arg" ? arg(ids.indexOf(leaf.index)) : leaf));
    return builder.map(own, ids.map(now), shape);
  };
  /** Each factor a node of its own, as it is where others read it. */
  const product = (expr: Scalar, shape: Shape): Node =>
    expr.kind === "binary" && (expr.op === "mul" || expr.op === "div")
      ? builder.map(binary(expr.op, arg(0), arg(1)), [product(expr.a, shape), product(expr.b, shape)], shape)
      : formula(expr, shape);
  const combined = ({ inputs: [x], axes, shape }: Sum, terms: readonly Term[]): Node => {
    const count = constant(axes.reduce((product, axis) => product * x.shape[axis], 1));
    const parts = terms.map(({ factor, rest }) => {
      if (!rest) return mul(factor, count);
      const sum = builder.reduce("sum", product(rest, x.shape), axes);
      made.set(sum.id, sum);
      return mul(factor, arg(sum.id));
    });
    return formula(parts.reduce(add), shape);
  };
  const { origin } = builder;
  for (const node of nodes.values()) {
    const terms = shared.get(node);
    builder.origin = node.origin;
    const inputs = node.inputs.map(({ id }) => now(id));
    made.set(node.id, terms && node.op === "reduce" ? combined(node, terms) : builder.rebuild(node, inputs));
  }
  builder.origin = origin;
  return { roots: graph.roots.map((root): Root => ({ ...root, node: now(root.node.id) })) };
}

/** The terms of those sums that are made of others, and of those that others are made of. */
function sharedSums(nodes: ReadonlyMap<number, Node>): ReadonlyMap<Node, readonly Term[]> {
  const expanded = expansions(nodes.values());
  const found: { readonly sum: Sum; readonly terms: readonly Term[]; readonly keys: Set<string> }[] = [];
  for (const sum of nodes.values()) {
    if (sum.op !== "reduce" || sum.kind !== "sum") continue;
    const [x] = sum.inputs;
    const isUniform = (part: Scalar): boolean =>
      coordsOf(part).every((axis) => !sum.axes.includes(axis)) &&
      argsOf(part).every((id) => sum.axes.every((axis) => nodes.get(id)?.shape[axis] === 1));
    const terms = termsOf(expanded.get(x) ?? arg(x.id), isUniform);
    const place = `${sum.axes}|${x.shape}|`;
    found.push({ sum, terms, keys: new Set(terms.map(({ rest }) => (rest ? place + scalarKey(rest) : ""))) });
  }
  for (const { keys } of found) keys.delete("");
  const alone = new Map<string, number>();
  for (const { keys } of found)
    if (keys.size === 1) for (const key of keys) alone.set(key, (alone.get(key) ?? 0) + 1);
  const joined = found.filter(({ keys }) => keys.size > 1 && [...keys].every((key) => alone.has(key)));
  const wanted = new Set(joined.flatMap(({ keys }) => [...keys]));
  const sources = found.filter(
    ({ keys }) => keys.size === 1 && [...keys].some((key) => wanted.has(key) || (alone.get(key) ?? 0) > 1),
  );
  return new Map([...joined, ...sources].map(({ sum, terms }) => [sum, terms]));
}

/**
 * The terms of a sum, whose operands are given by their nodes' ids. A term that is a product with a sum as its only
 * changing factor is taken apart in turn.
 */
function termsOf(x: Scalar, isUniform: (part: Scalar) => boolean, factor = constant(1)): readonly Term[] {
  const again = (part: Scalar, further: Scalar): readonly Term[] =>
    termsOf(part, isUniform, mul(factor, further));
  if (isUniform(x)) return [{ factor: mul(factor, x) }];
  if (x.kind === "binary" && (x.op === "add" || x.op === "sub"))
    return [...again(x.a, constant(1)), ...again(x.b, constant(x.op === "add" ? 1 : -1))];
  const { over, under } = productOf(x);
  const changing = (parts: readonly Scalar[]): readonly Scalar[] =>
    parts.filter((part) => !isUniform(part)).sort((a, b) => (scalarKey(a) < scalarKey(b) ? -1 : 1));
  const [tops, bottoms] = [changing(over), changing(under)];
  const same = quotient(over.filter(isUniform), under.filter(isUniform));
  return tops.length === 1 && bottoms.length === 0 && tops[0] !== x
    ? again(tops[0], same)
    : [{ factor: mul(factor, same), rest: quotient(tops, bottoms) }];
}

/** Operations of an element up to which maps are written out in one another. */
const MOST_OPERATIONS = 64;

/** What each map is, with the sums and products that it is made of written out; `arg(i)` is the node of id i. */
function expansions(nodes: Iterable<Node>): ReadonlyMap<Node, Scalar> {
  const known = new Map<Node, Scalar>();
  for (const node of nodes) {
    if (node.op !== "map" || node.dtype !== "real" || !isArithmetic(node.expr)) continue;
    const { expr, inputs, shape } = node;
    const expand = (x: Scalar): Scalar => {
      if (x.kind === "arg") {
        const input = inputs[x.index];
        return (sameShape(input.shape, shape) ? known.get(input) : undefined) ?? arg(input.id);
      }
      if (!isArithmetic(x))
        return substitute(x, (leaf) => (leaf.kind === "arg" ? arg(inputs[leaf.index].id) : leaf));
      return x.kind === "unary" ? neg(expand(x.x)) : binary(x.op, expand(x.a), expand(x.b));
    };
    const expanded = expand(expr);
    if (operationCount(expanded) <= MOST_OPERATIONS) known.set(node, expanded);
  }
  return known;
}

type Arithmetic = Extract<Scalar, { kind: "unary" | "binary" }>;
const ARITHMETIC: ReadonlySet<string> = new Set(["neg", "add", "sub", "mul", "div"]);
const isArithmetic = (x: Scalar): x is Arithmetic =>
  (x.kind === "unary" || x.kind === "binary") && ARITHMETIC.has(x.op);
