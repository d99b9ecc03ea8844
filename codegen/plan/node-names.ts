import { quoted } from "../../proto/words/names.js";
import type { Node } from "../ir/graph.js";

/** A node for people: what it is, the layer that asked for it, its number: `map "relu1" %7`. */
export function nameNode(node: Node): string {
  const what =
    node.op === "input"
      ? `input ${quoted(node.name)}`
      : node.op === "param"
        ? `param ${node.index}`
        : node.op;
  return node.origin === "" || node.op === "input"
    ? `${what} %${node.id}`
    : `${what} ${quoted(node.origin)} %${node.id}`;
}
