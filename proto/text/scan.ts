/** Text to tokens, by the rules of protobuf's text format. */

import type { Diagnostics, SourceText, Span } from "../errors/index.js";
import { quoted } from "../words/names.js";
import { asciiLike, createStrangers, HELD, quoteLike } from "./lookalikes.js";

export type TokenKind = "identifier" | "integer" | "float" | "string" | "symbol" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the source; a string with its quotes. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** 0-based. */
  readonly column: number;
  /** Nothing but white space stands before it on its line. */
  readonly leading: boolean;
  /** A mistake in it, or right before it, has been reported: what it seems to be is a guess. */
  readonly marred: boolean;
}

const NEWLINE = 0x0a;
const BLANK = /[ \t\r\v\f]+|#[^\n]*/y;
const ODD_SPACE = /[\u00a0\ufeff]+/y;
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /0[xX][0-9a-fA-F]*|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]*)?[fF]?/y;
const WORD_OR_NUMBER_REST = /[A-Za-z0-9_.]+/y;
const CONFLICT_MARKER = /(?:<{7}|={7}|>{7})(?![^\n \r])[^\n]*/y;
const FOREIGN = /[^\x20-\x7e\t\n\r\v\f\u00a0\ufeff]+/y;
const ESCAPE = /\\(?:[abfnrtv\\?'"]|[0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U00[0-9a-fA-F]{6})/y;
const PLAIN_STRING_PART = { '"': /[^"\\\n]+/y, "'": /[^'\\\n]+/y } as const;
const FOREIGN_COMMENT = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/y;
const WORD_OF_ANY_ALPHABET = /[\w.\p{L}\p{M}\p{N}\uff0e\uff3f]+/uy;
const FOREIGN_LETTER = /[^\x00-\x7f]/;
/** Behind a colon: no quote, then a word that ends with one. */
const WITHOUT_OPENING_QUOTE = /[^\s"'{}:;,#<>[\]]+(?=(["'])(?:[\s}>;,\]#]|$))/y;
/** A string of which the closing quote is missing ends before the next field, or before what closes the message. */
const NEXT_FIELD = /\s+[A-Za-z_]\w*\s*:\s*$/;
const NEXT_FIELD_OR_END = /\s+[A-Za-z_]\w*\s*[:{]|\s*[}\]>]+\s*$/;
/** Strings longer than this are taken as they are. */
const LONGEST_MENDED = 2000;

export interface Scanner {
  next(): Token;
  /** Reports what is reported once for the whole text. */
  finish(): void;
}

/** Reads one token at a time, in time linear in the text; mistakes are reported and passed over. */
export function createScanner(source: SourceText, diagnostics: Diagnostics): Scanner {
  const { text } = source;
  let at = 0;
  let line = 1;
  let lineStart = 0;
  let leading = true;
  let oddSpaces = 0;
  let firstOddSpace: Span | undefined;
  let marred = false;
  let behindColon = false;
  const strangers = createStrangers();

  const span = (start: number, end: number): Span => ({ source, start, end });
  const match = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };

  function skipBlank(): void {
    while (at < text.length) {
      if (text.charCodeAt(at) === NEWLINE) {
        at++;
        line++;
        lineStart = at;
        leading = true;
      } else if (match(BLANK)) {
        // Nothing to keep.
      } else {
        const start = at;
        if (match(ODD_SPACE)) {
          oddSpaces += at - start;
          firstOddSpace ??= span(start, at);
        } else if (leading && at === lineStart && match(CONFLICT_MARKER)) {
          diagnostics.error("a marker of an unresolved merge stands here", span(start, at), {
            hint: "keep one of the two versions and remove the lines <<<<<<<, ======= and >>>>>>>",
          });
        } else if (match(FOREIGN_COMMENT)) passComment(start);
        else if (isLookalike(text[at]) || !match(FOREIGN)) return;
        else {
          strangers.character(text.slice(start, at), span(start, at));
          marred = true;
        }
      }
    }
  }

  function passComment(start: number): void {
    const found = text.slice(start, at);
    strangers.comment(found.slice(0, 2), span(start, at));
    const lines = found.split("\n");
    if (lines.length === 1) return;
    line += lines.length - 1;
    lineStart = at - (lines.at(-1) ?? "").length;
    leading = true;
  }

  function token(kind: TokenKind, start: number, meant = text.slice(start, at)): Token {
    const made: Token = {
      kind,
      text: meant,
      start,
      end: at,
      line,
      column: start - lineStart,
      leading,
      marred,
    };
    leading = false;
    marred = false;
    behindColon = kind === "symbol" && meant === ":";
    return made;
  }

  /** A word with letters or digits that are not ASCII's, from `start` on. */
  function scanForeignWord(start: number): Token {
    at = start;
    match(WORD_OF_ANY_ALPHABET);
    at = Math.max(at, start + 1);
    const found = text.slice(start, at);
    const first = start + found.search(FOREIGN_LETTER);
    strangers.character(text.slice(first, at), span(first, at));
    marred = true;
    const meant = Array.from(found, (character) => asciiLike(character) ?? character).join("");
    if (/^[0-9.]/.test(meant)) return token(/^[0-9]+$/.test(meant) ? "integer" : "float", start, meant);
    return token("identifier", start, meant);
  }

  /** A character that looks like one of the text format's. */
  function scanLookalike(start: number): Token {
    const here = text[start];
    const quote = quoteLike(here);
    const like = asciiLike(here) ?? here;
    if (quote === undefined && /\w/.test(like)) return scanForeignWord(start);
    at = start + 1;
    strangers.character(here, span(start, at));
    marred = true;
    if (quote === undefined) return token("symbol", start, like);
    match(HELD[quote]);
    const isClosed = at < text.length && text[at] !== "\n";
    const held = text.slice(start + 1, at);
    const body = isClosed ? held : held.slice(0, cutOf(held));
    at = start + 1 + body.length + (isClosed ? 1 : 0);
    return token("string", start, quote + body + quote);
  }

  /** A string whose opening quote is missing: the text stands at its last character's end, before the closing quote. */
  function scanUnopened(start: number): Token {
    const quote = text[at];
    at++;
    diagnostics.error(`the opening ${quote} of this string is missing`, span(start, at));
    marred = true;
    return token("string", start, quote + text.slice(start, at));
  }

  function scanNumber(start: number): Token {
    const found = text.slice(start, at);
    let kind: TokenKind = "integer";
    if (/^0[xX]/.test(found)) {
      if (found.length === 2)
        diagnostics.error('"0x" must be followed by hexadecimal digits', span(start, at));
    } else if (/[.eEfF]/.test(found)) {
      kind = "float";
      if (/[eE][+-]?[fF]?$/.test(found))
        diagnostics.error('"e" must be followed by an exponent', span(start, at));
      if (/^0[0-9]/.test(found))
        diagnostics.error("a number that starts with 0 is octal and cannot have a fraction", span(start, at));
    } else if (/^0.*[89]/.test(found)) {
      diagnostics.error("a number that starts with 0 must be octal", span(start, at));
    }
    const glued = at;
    if (!match(WORD_OR_NUMBER_REST)) return token(kind, start);
    diagnostics.error(`${quoted(text.slice(start, at))} is not a number`, span(glued, at), {
      hint: "a number must be followed by a space",
    });
    // The number part goes on, so that only one mistake is reported.
    return { ...token(kind, start), text: found };
  }

  function scanString(start: number, quote: '"' | "'"): Token {
    const plain = PLAIN_STRING_PART[quote];
    at++;
    while (at < text.length) {
      const here = text[at];
      if (here === quote) {
        at++;
        const body = text.slice(start + 1, at - 1);
        // `"conv1 type: "ReLU"`: this quote opens the next string.
        const end =
          /[\w./]/.test(text[at] ?? "") && body.length < LONGEST_MENDED ? body.search(NEXT_FIELD) : -1;
        if (end === -1) return token("string", start);
        at = start + 1 + end;
        break;
      }
      if (here === "\n") break;
      if (here !== "\\") match(plain);
      else if (!match(ESCAPE)) {
        // A backslash before a line's end leaves the newline to be found by the next round.
        const width = at + 1 < text.length && text[at + 1] !== "\n" ? 2 : 1;
        diagnostics.error("a backslash that starts no known escape", span(at, at + width), {
          hint: 'write \\\\ for a backslash; in a path of Windows "/" serves as well',
        });
        at += width;
      }
    }
    diagnostics.error("a string must end on the line where it starts", span(start, at), {
      hint: `the closing ${quote} is missing`,
    });
    at = start + 1 + cutOf(text.slice(start + 1, at));
    marred = true;
    return token("string", start);
  }

  function next(): Token {
    skipBlank();
    const start = at;
    if (at >= text.length) return token("end", start);
    if (behindColon && match(WITHOUT_OPENING_QUOTE)) return scanUnopened(start);
    if (match(IDENTIFIER)) {
      const glued = /\p{L}/u.test(text[at] ?? "");
      return glued ? scanForeignWord(start) : token("identifier", start);
    }
    if (match(NUMBER)) return scanNumber(start);
    const here = text[at];
    if (here === '"' || here === "'") return scanString(start, here);
    if (here > "\x7f") return scanLookalike(start);
    at++;
    return token("symbol", start);
  }

  return {
    next,
    finish() {
      strangers.deliver(diagnostics);
      if (firstOddSpace !== undefined) reportOddSpaces(diagnostics, firstOddSpace, oddSpaces);
    },
  };
}

const isLookalike = (character: string): boolean => character > "\x7f" && asciiLike(character) !== undefined;

/** Where in the rest of its line a string that has no closing quote ends. */
function cutOf(rest: string): number {
  const end = rest.length < LONGEST_MENDED ? rest.search(NEXT_FIELD_OR_END) : -1;
  return end === -1 ? rest.length : end;
}

function reportOddSpaces(diagnostics: Diagnostics, first: Span, count: number): void {
  const what = first.source.text.charCodeAt(first.start) === 0xfeff ? "U+FEFF" : "U+00A0";
  const times = count === 1 ? "one character" : `${count} characters`;
  diagnostics.warn(
    `${times} (the first is ${what}) that Caffe does not take as white space; read here as spaces`,
    first,
    { hint: "non-breaking spaces and byte-order marks come from web pages and word processors" },
  );
}

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "?": 63,
  "'": 39,
  '"': 34,
};

/**
 * The bytes that string tokens, put together, stand for: text as UTF-8, escapes as they say. Broken escapes, which
 * the scanner has reported, stand for themselves.
 */
export function stringBytes(tokens: readonly Token[]): Buffer {
  const parts: Buffer[] = [];
  for (const { text } of tokens) {
    const closed = text.length > 1 && text.endsWith(text[0]);
    const body = text.slice(1, closed ? -1 : undefined);
    let from = 0;
    for (let at = body.indexOf("\\"); at !== -1; at = body.indexOf("\\", from)) {
      if (at > from) parts.push(Buffer.from(body.slice(from, at)));
      ESCAPE.lastIndex = at;
      const found = ESCAPE.exec(body)?.[0];
      parts.push(found === undefined ? Buffer.from("\\") : escapedBytes(found));
      from = at + (found?.length ?? 1);
    }
    parts.push(Buffer.from(body.slice(from)));
  }
  return Buffer.concat(parts);
}

/** The text that string tokens stand for; bytes that are no UTF-8 become U+FFFD. */
export function stringText(tokens: readonly Token[]): string {
  if (tokens.every(({ text }) => !text.includes("\\")))
    return tokens
      .map(({ text }) => text.slice(1, text.length > 1 && text.endsWith(text[0]) ? -1 : undefined))
      .join("");
  return stringBytes(tokens).toString("utf8");
}

function escapedBytes(written: string): Buffer {
  const letter = written[1];
  const simple = SIMPLE_ESCAPES[letter];
  if (simple !== undefined) return Buffer.of(simple);
  if (letter === "x" || letter === "X") return Buffer.of(Number.parseInt(written.slice(2), 16));
  if (letter === "u" || letter === "U") {
    const code = Number.parseInt(written.slice(2), 16);
    return Buffer.from(code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd");
  }
  return Buffer.of(Number.parseInt(written.slice(1), 8) & 0xff);
}
