import { InternalError } from "../../proto/errors/index.js";
import { visible } from "../../proto/words/names.js";

/** Data as a JavaScript literal. */
export type Literal =
  | string
  | number
  | boolean
  | undefined
  | readonly Literal[]
  | { readonly [key: string]: Literal };

const LONGEST_LINE = 110;
const KEY = /^[A-Za-z][A-Za-z0-9]*$/;

/**
 * A string as source text: no quote, line end or end of a script element gets out of it, and what an editor would
 * not show, or would show in another order, is written as an escape.
 */
export const stringLiteral = (value: string): string =>
  visible(JSON.stringify(value)).replaceAll("<", "\\u003c");

/** A literal laid out in lines: containers that fit a line stand on one. Keys are Cortado's own, never a user's. */
export function literal(value: Literal, indent = ""): string {
  const line = flat(value);
  if (line.length + indent.length <= LONGEST_LINE || typeof value !== "object") return line;
  const inner = `${indent}  `;
  if (isList(value))
    return `[\n${value.map((item) => `${inner}${literal(item, inner)},\n`).join("")}${indent}]`;
  const entries = entriesOf(value).map(([key, item]) => `${inner}${key}: ${literal(item, inner)},\n`);
  return `{\n${entries.join("")}${indent}}`;
}

const isList = (value: Literal): value is readonly Literal[] => Array.isArray(value);

function entriesOf(value: { readonly [key: string]: Literal }): readonly (readonly [string, Literal])[] {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  for (const [key] of entries)
    if (!KEY.test(key) && !/^[a-z]+_[a-z]+$/.test(key))
      throw new InternalError(`${stringLiteral(key)} as a key of a table`);
  return entries;
}

function flat(value: Literal): string {
  switch (typeof value) {
    case "string":
      return stringLiteral(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "boolean":
    case "undefined":
      return String(value);
    default:
      return isList(value)
        ? `[${value.map(flat).join(", ")}]`
        : `{ ${entriesOf(value)
            .map(([key, item]) => `${key}: ${flat(item)}`)
            .join(", ")} }`;
  }
}
