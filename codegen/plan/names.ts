import type { Node } from "../ir/graph.js";

/** Longer names are cut. */
const LONGEST = 60;

/**
 * Text of a net, made safe to show on a line: quoted, with whatever would break the line, hide, or turn its
 * direction written as an escape.
 */
export function quoteName(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  return JSON.stringify(cut).replace(
    /[\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A node for people: what it is, the layer that asked for it, its number: `map "relu1" %7`. */
export function nameNode(node: Node): string {
  const what =
    node.op === "input"
      ? `input ${quoteName(node.name)}`
      : node.op === "param"
        ? `param ${node.index}`
        : node.op;
  return node.origin === "" || node.op === "input"
    ? `${what} %${node.id}`
    : `${what} ${quoteName(node.origin)} %${node.id}`;
}
