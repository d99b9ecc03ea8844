import { present } from "../../proto/errors/index.js";
import type { GraphBuilder } from "../ir/builder.js";
import {
  type Graph,
  type Node,
  type NodeOf,
  nodesOf,
  passOf,
  type Root,
  sameShape,
  sizeOf,
} from "../ir/graph.js";
import {
  arg,
  argsOf,
  coordsOf,
  operationCount,
  replace,
  type Scalar,
  scalarKey,
  substitute,
} from "../ir/scalar.js";
import { regroup } from "./regroup.js";

/** A scalar expression over nodes. */
interface Formula {
  readonly expr: Scalar;
  readonly inputs: readonly Node[];
}

/**
 * In a net that only infers, what parameters alone determine is computed when they have changed: a BatchNorm and the Scale
 * behind it are then one addition and one multiply-add of an element, with what a convolution adds in the first. A net
 * with a backward pass, or with updates, is left alone: its parameters mostly change between two passes.
 */
export const foldParameters = (graph: Graph, builder: GraphBuilder): Graph =>
  graph.roots.some((root) => root.role === "update" || passOf(root) === "backward")
    ? graph
    : new Folding(graph, builder).run();

class Folding {
  readonly #graph: Graph;
  readonly #builder: GraphBuilder;
  readonly #users = new Map<Node, number>();
  /** What each node has become. */
  readonly #made = new Map<Node, Node>();
  /** Of maps that change with the input: all that they compute from what no other node needs. */
  readonly #formulas = new Map<Node, Formula>();
  /** Elements of the parameters that a steady node is made of; absent: one that is not steady. */
  readonly #steady = new Map<Node, number>();

  constructor(graph: Graph, builder: GraphBuilder) {
    this.#graph = graph;
    this.#builder = builder;
    for (const { node } of graph.roots) this.#use(node);
    for (const node of nodesOf(graph)) for (const input of new Set(node.inputs)) this.#use(input);
  }

  #use(node: Node): void {
    this.#users.set(node, (this.#users.get(node) ?? 0) + 1);
  }

  run(): Graph {
    const { origin } = this.#builder;
    for (const node of nodesOf(this.#graph)) this.#made.set(node, this.#next(node));
    this.#builder.origin = origin;
    const roots = this.#graph.roots.map((root): Root => {
      const node = this.#now(root.node);
      return node === root.node ? root : { ...root, node };
    });
    const known = new Set(roots.flatMap((root) => (root.role === "prepared" ? [root.node] : [])));
    const prepared = [...this.#prepared({ roots })].filter((node) => !known.has(node));
    return prepared.length === 0
      ? this.#graph
      : { roots: [...roots, ...prepared.map((node): Root => ({ role: "prepared", node }))] };
  }

  #now(node: Node): Node {
    return present(this.#made.get(node), "what a node has become");
  }

  #next(node: Node): Node {
    const inputs = node.inputs.map((input) => this.#now(input));
    const made = this.#builder.rebuild(node, inputs);
    const parameters = this.#parametersOf(made);
    if (parameters !== undefined) {
      this.#steady.set(made, parameters);
      return made;
    }
    if (node.op !== "map" || node.dtype !== "real") return made;
    this.#builder.origin = node.origin;
    const formula = this.#formulaOf(node);
    this.#formulas.set(node, formula);
    return this.#split(node, formula) ?? made;
  }

  /** Elements of the parameters that a node is made of, and of nothing that changes with the input. */
  #parametersOf(node: Node): number | undefined {
    const known = this.#steady.get(node);
    if (known !== undefined) return known;
    if (node.op === "param") return sizeOf(node.shape);
    if (node.op === "constant") return 0;
    if (node.inputs.length === 0) return undefined;
    const sizes = node.inputs.map((input) => this.#steady.get(input));
    return sizes.reduce((sum, size) => (sum === undefined || size === undefined ? undefined : sum + size), 0);
  }

  /** A map with those written out that it alone reads, element by element. */
  #formulaOf(node: NodeOf<"map">): Formula {
    const inputs: Node[] = [];
    const indexOf = (input: Node): number => {
      const at = inputs.indexOf(input);
      return at >= 0 ? at : inputs.push(input) - 1;
    };
    const expr = substitute(node.expr, (leaf) => {
      if (leaf.kind !== "arg") return leaf;
      const input = node.inputs[leaf.index];
      const inner =
        this.#users.get(input) === 1 && sameShape(input.shape, node.shape)
          ? this.#formulas.get(input)
          : undefined;
      return inner
        ? substitute(inner.expr, (own) => (own.kind === "arg" ? arg(indexOf(inner.inputs[own.index])) : own))
        : arg(indexOf(this.#now(input)));
    });
    return { expr, inputs };
  }

  /** The map with each part of it that parameters determine as an operand; undefined where there is none. */
  #split(node: NodeOf<"map">, { expr, inputs }: Formula): Node | undefined {
    const isSteady = (x: Scalar): boolean =>
      coordsOf(x).length === 0 && argsOf(x).every((index) => this.#steady.has(inputs[index]));
    const operands = [...inputs];
    const known = new Map<string, Scalar>();
    const split = replace(regroup(expr, isSteady), (part) => {
      if (!isSteady(part) || argsOf(part).length === 0 || operationCount(part) === 0) return undefined;
      const key = scalarKey(part);
      const read = argsOf(part);
      const own = substitute(part, (leaf) => (leaf.kind === "arg" ? arg(read.indexOf(leaf.index)) : leaf));
      const steady = (): Node =>
        this.#builder.map(
          own,
          read.map((index) => inputs[index]),
        );
      const made = known.get(key) ?? arg(operands.push(steady()) - 1);
      known.set(key, made);
      return made;
    });
    for (const operand of operands.slice(inputs.length)) {
      const parameters = this.#parametersOf(operand);
      // As many numbers as the parameters have, at most: a copy for each element of the batch would not pay.
      if (parameters === undefined || sizeOf(operand.shape) > parameters) return undefined;
      this.#steady.set(operand, parameters);
    }
    return operands.length > inputs.length ? this.#builder.map(split, operands, node.shape) : undefined;
  }

  /** Steady nodes that others read, and that are not parameters as they lie. */
  #prepared(graph: Graph): ReadonlySet<Node> {
    const prepared = new Set<Node>();
    const want = (node: Node): void => {
      const parameters = this.#steady.get(node);
      if (node.op === "reshape") want(node.inputs[0]);
      else if (parameters !== undefined && node.inputs.length > 0 && sizeOf(node.shape) <= parameters)
        prepared.add(node);
    };
    for (const node of nodesOf(graph))
      if (!this.#steady.has(node)) for (const input of node.inputs) want(input);
    return prepared;
  }
}
