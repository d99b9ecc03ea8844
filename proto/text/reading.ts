/** What the reader of a text knows while it reads, and how it passes over what it cannot read. */

import type { Diagnostic, Span } from "../errors/index.js";
import { describeToken } from "./scalar-values.js";
import type { Frame, Mistakes } from "./text-mistakes.js";
import { isSymbol, opensMessage, spanOfToken, startsField, type TokenCursor } from "./token-cursor.js";

export interface Reading {
  readonly cursor: TokenCursor;
  readonly mistakes: Mistakes;
  /** The message that is the whole text. */
  readonly root: Frame;
  /** Set when a brace is missing: the message in which reading goes on, all those inside it being closed. */
  unwindTo: Frame | undefined;
  /** Messages closed without a brace; so many braces too many are not another mistake. */
  forgiven: number;
}

type Extra = Pick<Diagnostic, "hint" | "related">;

/** Reports a mistake at the current token, of which the message says what it should be; not where one stands already. */
export function reportCurrent(
  { cursor, mistakes }: Reading,
  frame: Frame,
  wanted: string,
  extra?: Extra,
): void {
  const { current } = cursor;
  if (current.marred) return;
  mistakes.error(
    frame,
    `expected ${wanted}, not ${describeToken(current)}`,
    spanOfToken(cursor, current),
    extra,
  );
}

/** Reports that the text ends inside a message, and those around it. */
export function reportUnclosed(reading: Reading, frame: Frame): void {
  if (frame.field === undefined) return;
  const { cursor, mistakes, root } = reading;
  const open: Frame[] = [];
  for (let at: Frame | undefined = frame; at?.field !== undefined; at = at.parent) open.push(at);
  const count =
    open.length === 1 ? `"${frame.closer}" is missing` : `${open.length} closing brackets are missing`;
  mistakes.error(frame, `the file ends, but ${count}`, cursor.span(cursor.taken, cursor.taken + 1), {
    related: open.map(({ closer, field, opened }): { message: string; span: Span } => ({
      message: `the "${closer === ">" ? "<" : "{"}" of ${field?.name} is not closed`,
      span: opened,
    })),
  });
  reading.unwindTo = root;
}

/** Passes over tokens that cannot start a field, to the next field or bracket or the line's end. */
export function skipJunk(reading: Reading, frame: Frame): void {
  const { cursor } = reading;
  const { line } = cursor.current;
  reportCurrent(reading, frame, "the name of a field");
  if (opensMessage(cursor.current)) {
    skipBracketed(reading, frame);
    return;
  }
  cursor.take();
  while (
    cursor.current.line === line &&
    cursor.current.kind !== "end" &&
    !startsField(cursor) &&
    !isSymbol(cursor.current, "}") &&
    !opensMessage(cursor.current)
  )
    cursor.take();
  if (opensMessage(cursor.current) && cursor.current.line === line) skipBracketed(reading, frame);
}

/** Passes over a value that could not be read. */
export function skipValue(reading: Reading, frame: Frame): void {
  const { cursor } = reading;
  const { line, kind } = cursor.current;
  if (isSymbol(cursor.current, "}", ">", "]") || kind === "end") return;
  if (opensMessage(cursor.current) || isSymbol(cursor.current, "[", "(")) {
    skipBracketed(reading, frame);
    return;
  }
  cursor.tryTake("-");
  if (cursor.current.kind === "string") while (cursor.current.kind === "string") cursor.take();
  else if (!isSymbol(cursor.current, "}")) cursor.take();
  // `${name}`: what follows directly belongs to the same broken value.
  const { current, taken } = cursor;
  if (isSymbol(current, "{") && current.line === line && current.start === taken)
    skipBracketed(reading, frame);
}

const OPENERS: ReadonlySet<string> = new Set(["{", "<", "[", "("]);
const CLOSERS: ReadonlySet<string> = new Set(["}", ">", "]", ")"]);

/** Passes over everything up to the bracket that closes the current one. */
export function skipBracketed(reading: Reading, frame: Frame): void {
  const { cursor, mistakes, root } = reading;
  const open = cursor.current;
  let depth = 0;
  do {
    const token = cursor.take();
    if (token.kind === "end") {
      const message = `the file ends, but the "${open.text}" that opens here is not closed`;
      mistakes.error(frame, message, spanOfToken(cursor, open));
      reading.unwindTo = root;
      return;
    }
    if (token.kind !== "symbol") continue;
    if (OPENERS.has(token.text)) depth++;
    else if (CLOSERS.has(token.text)) depth--;
  } while (depth > 0);
}
