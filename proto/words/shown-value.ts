import { quoted, unquoted } from "./names.js";

/** Longer than this an array, or an object, is described and not written out. */
const MOST_INSIDE = 8;
const LONGEST_SHOWN = 80;

/** Any value that a caller gave, for a sentence: short, whatever it is and however it behaves when it is looked at. */
export function shownValue(value: unknown): string {
  try {
    return inWords(value);
  } catch {
    return "something that cannot be looked at";
  }
}

function inWords(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "bigint":
      return `${unquoted(String(value), LONGEST_SHOWN)}n`;
    case "symbol":
      return "a symbol";
    case "function":
      return "a function";
    case "object":
      return value === null ? "null" : objectInWords(value);
    default:
      return String(value);
  }
}

function objectInWords(value: object): string {
  const kind = kindOf(value);
  if (ArrayBuffer.isView(value) || kind.endsWith("ArrayBuffer")) {
    const { length, byteLength } = value as { readonly length?: number; readonly byteLength: number };
    return `${withArticle(kind)} of ${length ?? `${byteLength} bytes`}`;
  }
  if (Array.isArray(value))
    return value.length <= MOST_INSIDE && value.every(isSimple)
      ? `[${value.map(inWords).join(", ")}]`
      : `an array of ${Number(value.length)}`;
  if (kind === "Promise" || typeof (value as { then?: unknown }).then === "function")
    return "a promise (is an await missing?)";
  if (kind !== "Object") return withArticle(kind);
  const inside: readonly (readonly [string, unknown])[] = Object.entries(value);
  if (inside.length > MOST_INSIDE || !inside.every(([, field]) => isSimple(field))) return "an object";
  if (inside.length === 0) return "{}";
  return `{ ${inside.map(([name, field]) => `${unquoted(name, LONGEST_SHOWN)}: ${inWords(field)}`).join(", ")} }`;
}

/** What a value calls itself: `Map`, `Float32Array`; a class of the caller's own is an `Object`. */
export const kindOf = (value: object): string => Object.prototype.toString.call(value).slice(8, -1);

const withArticle = (kind: string): string => `${/^[AEIO]/.test(kind) ? "an" : "a"} ${unquoted(kind)}`;

const isSimple = (value: unknown): boolean =>
  value === null || ["string", "number", "boolean"].includes(typeof value);
