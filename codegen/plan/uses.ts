import { present } from "../../proto/errors/index.js";
import { type Graph, type Node, nodesOf, type Op, type Root, type Shape, sizeOf } from "../ir/graph.js";
import { primitive } from "../ir/ops/index.js";

/** One operand of one node. `operand` is what the user names; its value may lie in the memory of its base. */
export interface Site {
  readonly user: Node;
  readonly operand: Node;
  /** Which operand of the user. */
  readonly index: number;
}

/**
 * Who reads what, with free views seen through: a reshape or a contiguous slice is the same memory as its
 * source, so its readers are readers of the source. `base` of a node is the node whose memory it is.
 */
export interface Uses {
  /** All that is needed, in topological order. */
  readonly nodes: readonly Node[];
  base(node: Node): Node;
  /** Where a node starts in its base, in elements. */
  offset(node: Node): number;
  /** Every operand whose base is `base`, by ascending user. Users are never free views. */
  sites(base: Node): readonly Site[];
  /** The roots that lie in the memory of a base. */
  roots(base: Node): readonly Root[];
  /** Parameters that forward replaces: their old value is gone in backward. */
  readonly updated: ReadonlySet<number>;
  /** Bases that take no memory to make again: maps of random bits, coordinates, constants and single elements. */
  readonly generated: ReadonlySet<Node>;
}

/** Whether two shapes differ only in axes of extent 1: then coordinates along the others are the same. */
export function sameCoordinates(a: Shape, b: Shape): boolean {
  const left = a.filter((extent) => extent !== 1);
  const right = b.filter((extent) => extent !== 1);
  return left.length === right.length && left.every((extent, i) => extent === right[i]);
}

/**
 * How many elements into its source a view starts, if its elements lie there in order and without gaps: a
 * placement, no work. Undefined for everything else.
 */
export const freeViewOffset = (node: Node): number | undefined => primitive<Op>(node.op).offset?.(node);

/** The views from an operand down to its base, without the base; empty where the operand is the base. */
export function viewsOf(operand: Node, base: Node): readonly Node[] {
  const views: Node[] = [];
  for (let node = operand; node !== base; node = node.inputs[0]) views.push(node);
  return views;
}

/** Where a node lies: in which base, how many elements into it. */
interface Place {
  readonly base: Node;
  readonly offset: number;
}

/** Reads a graph once, in time linear in its nodes and operands. */
export function findUses(graph: Graph): Uses {
  const nodes = nodesOf(graph);
  const bases = new Map<Node, Place>();
  const baseOf = (node: Node): Place => present(bases.get(node), "the base of a node");
  const sites = new Map<Node, Site[]>();
  const generated = new Set<Node>();

  for (const node of nodes) {
    const offset = freeViewOffset(node);
    if (offset !== undefined) {
      const source = baseOf(node.inputs[0]);
      bases.set(node, { base: source.base, offset: source.offset + offset });
      continue;
    }
    bases.set(node, { base: node, offset: 0 });
    node.inputs.forEach((operand, index) => {
      const { base } = baseOf(operand);
      const known = sites.get(base);
      const site = { user: node, operand, index };
      if (known) known.push(site);
      else sites.set(base, [site]);
    });
    if (isGenerated(node, (x) => generated.has(baseOf(x).base))) generated.add(node);
  }

  const roots = new Map<Node, Root[]>();
  for (const root of graph.roots) {
    const { base } = baseOf(root.node);
    const known = roots.get(base);
    if (known) known.push(root);
    else roots.set(base, [root]);
  }
  return {
    nodes,
    base: (node) => baseOf(node).base,
    offset: (node) => baseOf(node).offset,
    sites: (base) => sites.get(base) ?? [],
    roots: (base) => roots.get(base) ?? [],
    updated: new Set(
      graph.roots.flatMap((root) => (root.role === "update" && root.pass === "forward" ? [root.param] : [])),
    ),
    generated,
  };
}

function isGenerated(node: Node, known: (operand: Node) => boolean): boolean {
  const { generated } = primitive(node.op);
  if (generated !== "of generated") return generated === "always";
  return node.inputs.every(
    (x) => known(x) || ((x.op === "input" || x.op === "param") && sizeOf(x.shape) === 1),
  );
}
