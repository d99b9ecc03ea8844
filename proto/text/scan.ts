// biome-ignore-all lint/suspicious/noControlCharactersInRegex: they tell a binary file from a text
/** Text to tokens, by the rules of protobuf's text format. */

import type { Diagnostics, SourceText, Span } from "../errors/index.js";
import { quoted } from "../words/names.js";
import { bytesOfText, joinBytes, textOfBytes } from "../words/text-bytes.js";
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
const FOREIGN_COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y;
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

/** How far a text has been read, and what is known there. */
interface State {
  readonly source: SourceText;
  readonly text: string;
  readonly diagnostics: Diagnostics;
  readonly strangers: ReturnType<typeof createStrangers>;
  at: number;
  line: number;
  lineStart: number;
  leading: boolean;
  oddSpaces: number;
  firstOddSpace: Span | undefined;
  marred: boolean;
  behindColon: boolean;
}

/** Reads one token at a time, in time linear in the text; mistakes are reported and passed over. */
export function createScanner(source: SourceText, diagnostics: Diagnostics): Scanner {
  const state: State = {
    source,
    text: source.text,
    diagnostics,
    strangers: createStrangers(),
    at: 0,
    line: 1,
    lineStart: 0,
    leading: true,
    oddSpaces: 0,
    firstOddSpace: undefined,
    marred: false,
    behindColon: false,
  };
  return {
    next: () => next(state),
    finish() {
      state.strangers.deliver(diagnostics);
      if (state.firstOddSpace !== undefined)
        reportOddSpaces(diagnostics, state.firstOddSpace, state.oddSpaces);
    },
  };
}

const span = ({ source }: State, start: number, end: number): Span => ({ source, start, end });

function match(s: State, pattern: RegExp): boolean {
  pattern.lastIndex = s.at;
  if (!pattern.test(s.text)) return false;
  s.at = pattern.lastIndex;
  return true;
}

function skipBlank(s: State): void {
  while (s.at < s.text.length) {
    if (s.text.charCodeAt(s.at) === NEWLINE) {
      s.at++;
      s.line++;
      s.lineStart = s.at;
      s.leading = true;
    } else if (match(s, BLANK)) {
      // Nothing to keep.
    } else if (!skipStranger(s)) return;
  }
}

/** Passes over what is neither blank nor a token; false where a token begins. */
function skipStranger(s: State): boolean {
  const start = s.at;
  if (match(s, ODD_SPACE)) {
    s.oddSpaces += s.at - start;
    s.firstOddSpace ??= span(s, start, s.at);
  } else if (s.leading && s.at === s.lineStart && match(s, CONFLICT_MARKER)) {
    s.diagnostics.error("a marker of an unresolved merge stands here", span(s, start, s.at), {
      hint: "keep one of the two versions and remove the lines <<<<<<<, ======= and >>>>>>>",
    });
  } else if (match(s, FOREIGN_COMMENT)) passComment(s, start);
  else if (isLookalike(s.text[s.at]) || !match(s, FOREIGN)) return false;
  else {
    s.strangers.character(s.text.slice(start, s.at), span(s, start, s.at));
    s.marred = true;
  }
  return true;
}

function passComment(s: State, start: number): void {
  const found = s.text.slice(start, s.at);
  s.strangers.comment(found.slice(0, 2), span(s, start, s.at));
  const lines = found.split("\n");
  if (lines.length === 1) return;
  s.line += lines.length - 1;
  s.lineStart = s.at - (lines.at(-1) ?? "").length;
  s.leading = true;
}

function token(s: State, kind: TokenKind, start: number, meant = s.text.slice(start, s.at)): Token {
  const made: Token = {
    kind,
    text: meant,
    start,
    end: s.at,
    line: s.line,
    column: start - s.lineStart,
    leading: s.leading,
    marred: s.marred,
  };
  s.leading = false;
  s.marred = false;
  s.behindColon = kind === "symbol" && meant === ":";
  return made;
}

/** A word with letters or digits that are not ASCII's, from `start` on. */
function scanForeignWord(s: State, start: number): Token {
  s.at = start;
  match(s, WORD_OF_ANY_ALPHABET);
  s.at = Math.max(s.at, start + 1);
  const found = s.text.slice(start, s.at);
  const first = start + found.search(FOREIGN_LETTER);
  s.strangers.character(s.text.slice(first, s.at), span(s, first, s.at));
  s.marred = true;
  const meant = Array.from(found, (character) => asciiLike(character) ?? character).join("");
  if (/^[0-9.]/.test(meant)) return token(s, /^[0-9]+$/.test(meant) ? "integer" : "float", start, meant);
  return token(s, "identifier", start, meant);
}

/** A character that looks like one of the text format's. */
function scanLookalike(s: State, start: number): Token {
  const here = s.text[start];
  const quote = quoteLike(here);
  const like = asciiLike(here) ?? here;
  if (quote === undefined && /\w/.test(like)) return scanForeignWord(s, start);
  s.at = start + 1;
  s.strangers.character(here, span(s, start, s.at));
  s.marred = true;
  if (quote === undefined) return token(s, "symbol", start, like);
  match(s, HELD[quote]);
  const isClosed = s.at < s.text.length && s.text[s.at] !== "\n";
  const held = s.text.slice(start + 1, s.at);
  const body = isClosed ? held : held.slice(0, cutOf(held));
  s.at = start + 1 + body.length + (isClosed ? 1 : 0);
  return token(s, "string", start, quote + body + quote);
}

/** A string whose opening quote is missing: the text stands at its last character's end, before the closing quote. */
function scanUnopened(s: State, start: number): Token {
  const quote = s.text[s.at];
  s.at++;
  s.diagnostics.error(`the opening ${quote} of this string is missing`, span(s, start, s.at));
  s.marred = true;
  return token(s, "string", start, quote + s.text.slice(start, s.at));
}

function scanNumber(s: State, start: number): Token {
  const found = s.text.slice(start, s.at);
  let kind: TokenKind = "integer";
  if (/^0[xX]/.test(found)) {
    if (found.length === 2)
      s.diagnostics.error('"0x" must be followed by hexadecimal digits', span(s, start, s.at));
  } else if (/[.eEfF]/.test(found)) {
    kind = "float";
    if (/[eE][+-]?[fF]?$/.test(found))
      s.diagnostics.error('"e" must be followed by an exponent', span(s, start, s.at));
    if (/^0[0-9]/.test(found))
      s.diagnostics.error(
        "a number that starts with 0 is octal and cannot have a fraction",
        span(s, start, s.at),
      );
  } else if (/^0.*[89]/.test(found)) {
    s.diagnostics.error("a number that starts with 0 must be octal", span(s, start, s.at));
  }
  const glued = s.at;
  if (!match(s, WORD_OR_NUMBER_REST)) return token(s, kind, start);
  s.diagnostics.error(`${quoted(s.text.slice(start, s.at))} is not a number`, span(s, glued, s.at), {
    hint: "a number must be followed by a space",
  });
  // The number part goes on, so that only one mistake is reported.
  return { ...token(s, kind, start), text: found };
}

function scanString(s: State, start: number, quote: '"' | "'"): Token {
  const plain = PLAIN_STRING_PART[quote];
  s.at++;
  while (s.at < s.text.length) {
    const here = s.text[s.at];
    if (here === quote) {
      s.at++;
      const end = runaway(s, s.text.slice(start + 1, s.at - 1));
      if (end === -1) return token(s, "string", start);
      s.at = start + 1 + end;
      break;
    }
    if (here === "\n") break;
    if (here !== "\\") match(s, plain);
    else if (!match(s, ESCAPE)) {
      // A backslash before a line's end leaves the newline to be found by the next round.
      const width = s.at + 1 < s.text.length && s.text[s.at + 1] !== "\n" ? 2 : 1;
      s.diagnostics.error("a backslash that starts no known escape", span(s, s.at, s.at + width), {
        hint: 'write \\\\ for a backslash; in a path of Windows "/" serves as well',
      });
      s.at += width;
    }
  }
  s.diagnostics.error("a string must end on the line where it starts", span(s, start, s.at), {
    hint: `the closing ${quote} is missing`,
  });
  s.at = start + 1 + cutOf(s.text.slice(start + 1, s.at));
  s.marred = true;
  return token(s, "string", start);
}

function next(s: State): Token {
  skipBlank(s);
  const start = s.at;
  if (s.at >= s.text.length) return token(s, "end", start);
  if (s.behindColon && match(s, WITHOUT_OPENING_QUOTE)) return scanUnopened(s, start);
  if (match(s, IDENTIFIER)) {
    const glued = /\p{L}/u.test(s.text[s.at] ?? "");
    return glued ? scanForeignWord(s, start) : token(s, "identifier", start);
  }
  if (match(s, NUMBER)) return scanNumber(s, start);
  const here = s.text[s.at];
  if (here === '"' || here === "'") return scanString(s, start, here);
  if (here > "\x7f") return scanLookalike(s, start);
  s.at++;
  return token(s, "symbol", start);
}

/** Where a string ends whose closing quote opens the next one: `"conv1 type: "ReLU"`. -1 for a string that is right. */
const runaway = ({ text, at }: State, body: string): number =>
  /[\w./]/.test(text[at] ?? "") && body.length < LONGEST_MENDED ? body.search(NEXT_FIELD) : -1;

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
export function stringBytes(tokens: readonly Token[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { text } of tokens) {
    const closed = text.length > 1 && text.endsWith(text[0]);
    const body = text.slice(1, closed ? -1 : undefined);
    let from = 0;
    for (let at = body.indexOf("\\"); at !== -1; at = body.indexOf("\\", from)) {
      if (at > from) parts.push(bytesOfText(body.slice(from, at)));
      ESCAPE.lastIndex = at;
      const found = ESCAPE.exec(body)?.[0];
      parts.push(found === undefined ? bytesOfText("\\") : escapedBytes(found));
      from = at + (found?.length ?? 1);
    }
    parts.push(bytesOfText(body.slice(from)));
  }
  return joinBytes(parts);
}

/** The text that string tokens stand for; bytes that are no UTF-8 become U+FFFD. */
export function stringText(tokens: readonly Token[]): string {
  if (tokens.every(({ text }) => !text.includes("\\")))
    return tokens
      .map(({ text }) => text.slice(1, text.length > 1 && text.endsWith(text[0]) ? -1 : undefined))
      .join("");
  return textOfBytes(stringBytes(tokens));
}

function escapedBytes(written: string): Uint8Array {
  const letter = written[1];
  const simple = SIMPLE_ESCAPES[letter];
  if (simple !== undefined) return Uint8Array.of(simple);
  if (letter === "x" || letter === "X") return Uint8Array.of(Number.parseInt(written.slice(2), 16));
  if (letter === "u" || letter === "U") {
    const code = Number.parseInt(written.slice(2), 16);
    return bytesOfText(code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd");
  }
  return Uint8Array.of(Number.parseInt(written.slice(1), 8));
}
