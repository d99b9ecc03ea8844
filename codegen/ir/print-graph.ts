import { quoted, unquoted, visible } from "../../proto/words/names.js";
import type { Graph, Node, Root } from "./graph.js";
import { nodesOf } from "./graph.js";
import { attributesKey } from "./key.js";
import { COMPARISONS } from "./ops/scalar-functions.js";
import { binaryFunction, numberKey, type Scalar } from "./scalar.js";

/**
 * A graph for people, a node a line in topological order, then its roots:
 *
 *     %12 = conv g1 k5s1p0d1:28>24 k5s1p0d1:28>24 (%3, %7) : [64, 20, 24, 24]  # conv1
 *     value "conv1" = %12
 */
export function printGraph(graph: Graph): string {
  return [...nodesOf(graph).map(printNode), ...graph.roots.map(printRoot)].join("\n");
}

/** One node as one line; names from a net are escaped, so a line stays a line. */
export function printNode(node: Node): string {
  const attributes = node.op === "map" ? printScalar(node.expr, node.inputs) : visible(attributesKey(node));
  // A map's operands stand in its expression.
  const operands =
    node.op === "map" || node.inputs.length === 0 ? "" : ` (${node.inputs.map(name).join(", ")})`;
  const dtype = node.dtype === "real" ? "" : ` ${node.dtype}`;
  const origin = node.origin === "" ? "" : `  # ${unquoted(node.origin)}`;
  const operation = attributes === "" ? node.op : `${node.op} ${attributes}`;
  return `${name(node)} = ${operation}${operands} :${dtype} [${node.shape.join(", ")}]${origin}`;
}

export function printRoot(root: Root): string {
  switch (root.role) {
    case "value":
    case "diff":
      return `${root.role} ${quoted(root.blob)} = ${name(root.node)}`;
    case "update":
    case "gradient":
      return `${root.role} of parameter ${root.param} = ${name(root.node)}`;
    case "prepared":
      return `prepared = ${name(root.node)}`;
    default:
      return root satisfies never;
  }
}

const name = (node: Node): string => `%${node.id}`;

/** A scalar expression infix, its operands by the names of nodes, or `$0`, `$1` without them: `max(%3, 0) * %7`. */
export function printScalar(x: Scalar, operands: readonly Node[] = []): string {
  return write(x, 0);

  /** `strength`: of the operator around; a weaker one inside is put in brackets. */
  function write(e: Scalar, strength: number): string {
    switch (e.kind) {
      case "const":
        // A sign after an operator would be hard to read.
        return bracket(numberKey(e.value), numberKey(e.value).startsWith("-") && strength % 1 !== 0);
      case "arg":
        return operands[e.index] ? name(operands[e.index]) : `$${e.index}`;
      case "coord":
        return `@${e.axis}`;
      case "unary":
        return e.op === "neg" ? bracket(`-${write(e.x, 2.5)}`, strength > 1) : `${e.op}(${write(e.x, 0)})`;
      case "shaped":
        return `${e.op}(${write(e.x, 0)}, ${numberKey(e.alpha)})`;
      case "binary": {
        const { text } = binaryFunction(e.op);
        if (!("infix" in text)) return `${e.op}(${write(e.a, 0)}, ${write(e.b, 0)})`;
        const own = text.level === "sum" ? 1 : 2;
        // Left to right, so an equally strong operator on the right needs brackets.
        return bracket(`${write(e.a, own)} ${text.infix} ${write(e.b, own + 0.5)}`, own < strength);
      }
      case "select": {
        const condition = `${write(e.left, 1)} ${COMPARISONS[e.cmp].sign} ${write(e.right, 1)}`;
        return bracket(`${condition} ? ${write(e.then, 1)} : ${write(e.otherwise, 1)}`, strength > 0);
      }
      default:
        return e satisfies never;
    }
  }
}

const bracket = (text: string, needed: boolean): string => (needed ? `(${text})` : text);
