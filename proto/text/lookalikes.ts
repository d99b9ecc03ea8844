/**
 * Characters outside of ASCII where the text format has none: what word processors, input methods and keyboards of other
 * alphabets put in its place.
 */

import type { Diagnostics, Span } from "../errors/index.js";
import { quoted } from "../words/names.js";

const DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02";
const SINGLE_QUOTES = "\u2018\u2019\u201a\u201b\u2032\uff07";
const LETTERS: ReadonlyMap<string, string> = new Map(
  [..."аеорсхуіѕАВЕКМНОРСТХІЅοναΑΒΕΚΜΝΟΡΤΧ"].map((letter, i) => [
    letter,
    "aeopcxyisABEKMHOPCTXISovaABEKMNOPTX"[i],
  ]),
);
const DASHES = /[\u2010-\u2015\u2212]/;

/** The quote, `"` or `'`, that a typographic one stands for. */
export const quoteLike = (character: string): '"' | "'" | undefined =>
  DOUBLE_QUOTES.includes(character) ? '"' : SINGLE_QUOTES.includes(character) ? "'" : undefined;

/** What a string that begins with a typographic quote holds: up to one that may end it, or the line's end. */
export const HELD = {
  '"': new RegExp(`[^"${DOUBLE_QUOTES}\n]*`, "y"),
  "'": new RegExp(`[^'${SINGLE_QUOTES}\n]*`, "y"),
} as const;

/** A character of ASCII that one of another set looks like; undefined where it looks like none. */
export function asciiLike(character: string): string | undefined {
  const code = character.charCodeAt(0);
  if (code < 0x80) return character;
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0);
  if (DASHES.test(character)) return "-";
  return quoteLike(character) ?? LETTERS.get(character);
}

interface Found {
  readonly message: string;
  readonly hint: string | undefined;
  readonly first: Span;
  count: number;
}

/** Characters, and comments of other languages, that may not stand where they were found: each kind is one mistake. */
export function createStrangers(): {
  character(found: string, span: Span): void;
  comment(opening: string, span: Span): void;
  deliver(diagnostics: Diagnostics): void;
} {
  const all = new Map<string, Found>();
  const add = (kind: string, message: string, hint: string | undefined, span: Span): void => {
    const known = all.get(kind);
    if (known) known.count++;
    else all.set(kind, { message, hint, first: span, count: 1 });
  };
  return {
    character(found, span) {
      const point = found.codePointAt(0) ?? 0;
      const code = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
      const like = asciiLike(found[0]);
      const [kind, hint] = quoteLike(found[0])
        ? ["quote", "strings are quoted with \" or '"]
        : point >= 0xff01 && point <= 0xff5e
          ? ["full width", `it is the full-width form of ${quoted(like ?? "")}: write that`]
          : [code, like === undefined ? undefined : `it only looks like ${quoted(like)}: write that`];
      add(kind ?? code, `a character that may stand only in strings and comments: ${code}`, hint, span);
    },
    comment: (opening, span) => add("comment", `comments begin with #, not with ${opening}`, undefined, span),
    deliver(diagnostics) {
      for (const { message, hint, first, count } of all.values())
        diagnostics.error(count === 1 ? message : `${message}, and ${count - 1} more of the kind`, first, {
          hint,
        });
    },
  };
}
