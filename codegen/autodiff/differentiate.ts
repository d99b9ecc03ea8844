import { InternalError } from "../../proto/errors/index.js";
import type { GraphBuilder } from "../ir/builder.js";
import { type Node, nodesOf, sameShape } from "../ir/graph.js";
import { add, arg, type Scalar } from "../ir/scalar.js";
import { type Rules, vjp } from "./vjp.js";

/** Most terms of one sum; a longer one becomes a chain of sums, so that no expression grows without bound. */
const MOST_TERMS = 32;

export interface DifferentiateRequest {
  /** Where differentiation starts: each node with its cotangent, of the node's shape. A node may come twice. */
  readonly seeds: readonly { readonly node: Node; readonly cotangent: Node }[];
  /** What to differentiate by. */
  readonly wanted: readonly Node[];
  /** Default: Cortado's own. Others are for tests. */
  readonly rules?: Rules;
  /** Told of every part of a cotangent: what `from` passes down to its input `to`. */
  readonly onPart?: (from: Node, to: Node, part: Node) => void;
}

/**
 * The cotangents of every node that lies on a path from a wanted node up to a seed, those included, as graph. A
 * wanted node that no seed depends on (or only through what has no derivative) is not in the result: its cotangent
 * is zero. Contributions are added in order of their consumers' ids, latest first, so the same graph gives the
 * same sums.
 */
export function differentiate(b: GraphBuilder, request: DifferentiateRequest): ReadonlyMap<Node, Node> {
  const roots = request.seeds.map(({ node }) => ({ role: "value", blob: "", node }) as const);
  const nodes = nodesOf({ roots });
  const active = dependents(nodes, request.wanted);
  const contributions = new Map<Node, Node[]>();
  const contribute = (node: Node, cotangent: Node): void => {
    if (!sameShape(node.shape, cotangent.shape))
      throw new InternalError(
        `a cotangent of shape [${cotangent.shape}] for %${node.id} ${node.op} [${node.shape}]`,
      );
    const known = contributions.get(node);
    if (known) known.push(cotangent);
    else contributions.set(node, [cotangent]);
  };
  for (const { node, cotangent } of request.seeds) if (active.has(node)) contribute(node, cotangent);

  const cotangents = new Map<Node, Node>();
  const origin = b.origin;
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    const terms = contributions.get(node);
    if (!terms) continue;
    // A blob's name belongs to no layer: what is added up there, to the layer that made it.
    b.origin = node.origin === "" && node.op === "blob" ? node.inputs[0].origin : node.origin;
    const cotangent = sum(b, terms);
    cotangents.set(node, cotangent);
    if (!node.inputs.some((x) => active.has(x))) continue;
    vjp(b, node, request.rules).forEach((pullback, input) => {
      const x = node.inputs[input];
      if (!pullback || !active.has(x)) return;
      const part = pullback(cotangent);
      contribute(x, part);
      request.onPart?.(node, x, part);
    });
  }
  b.origin = origin;
  return cotangents;
}

/** Those of `nodes` (ascending) that a wanted node reaches through values that can carry a derivative. */
function dependents(nodes: readonly Node[], wanted: readonly Node[]): ReadonlySet<Node> {
  const active = new Set(wanted);
  for (const node of nodes) {
    if (node.op !== "stop" && node.dtype === "real" && node.inputs.some((x) => active.has(x)))
      active.add(node);
  }
  return active;
}

/** Left to right. */
function sum(b: GraphBuilder, terms: readonly Node[]): Node {
  let total = terms[0];
  for (let from = 1; from < terms.length; from += MOST_TERMS - 1) {
    const operands = [total, ...terms.slice(from, from + MOST_TERMS - 1)];
    total = b.map(
      operands.map((_, i): Scalar => arg(i)).reduce((x, y) => add(x, y)),
      operands,
      total.shape,
    );
  }
  return total;
}
