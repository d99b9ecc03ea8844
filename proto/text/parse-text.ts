/**
 * Protobuf's text format to messages, as Caffe's parser takes it, with the place of every field and value. It goes
 * on after a mistake and reports all of them.
 */

import type { Diagnostics, SourceText, Span } from "../errors/index.js";
import {
  type Draft,
  draft,
  type FieldInfo,
  give,
  type Message,
  type MessageName,
  type MessageTypes,
  messageInfo,
  type Schema,
  seal,
} from "../index.js";
import { quoted } from "../words/names.js";
import { describeToken, expectation, tokenValue } from "./scalar-values.js";
import { createScanner, stringBytes, stringText, type Token } from "./scan.js";
import { nameSpanOf, placeField, placeMessage } from "./spans.js";
import { createMistakes, type Frame, unknownFieldHelp } from "./text-mistakes.js";

const OPENERS: Readonly<Record<string, string>> = { "{": "}", "<": ">", "[": "]" };
const CLOSERS: ReadonlySet<string> = new Set(Object.values(OPENERS));

/** A value that could not be read; the mistake has been reported. */
const NO_VALUE = Symbol("no value");

/** How a text is read. */
export interface ReadOptions {
  /** The messages that it may hold. Default: the schema's. */
  readonly schema?: Schema;
}

/**
 * Reads a text as one message. With mistakes in the text the result holds what could be read; the caller looks at
 * `diagnostics.hasErrors`. Time and memory are linear in the text.
 */
export function parseMessage<T extends MessageName>(
  source: SourceText,
  type: T,
  diagnostics: Diagnostics,
  { schema = messageInfo }: ReadOptions = {},
): MessageTypes[T] {
  const mistakes = createMistakes();
  const scanner = createScanner(source, mistakes.scanner);
  let current = scanner.next();
  let ahead = scanner.next();
  /** Where the last token that was taken ends. */
  let taken = 0;
  /** Set when a brace is missing: the message in which reading goes on, all those inside it being closed. */
  let unwindTo: Frame | undefined;
  /** Messages closed without a brace; so many braces too many are not another mistake. */
  let forgiven = 0;

  const span = (start: number, end: number): Span => ({ source, start, end });
  const spanOfToken = (token: Token): Span => span(token.start, token.end);
  const isSymbol = (token: Token, text: string): boolean => token.kind === "symbol" && token.text === text;
  const opensMessage = (token: Token): boolean => isSymbol(token, "{") || isSymbol(token, "<");
  const startsField = (): boolean =>
    current.kind === "identifier" && (isSymbol(ahead, ":") || opensMessage(ahead));

  function advance(): Token {
    const token = current;
    taken = token.end;
    current = ahead;
    ahead = scanner.next();
    return token;
  }

  function tryTake(symbol: string): boolean {
    if (!isSymbol(current, symbol)) return false;
    advance();
    return true;
  }

  function readFields(frame: Frame): void {
    while (!mistakes.tooMany) {
      if (unwindTo !== undefined) {
        if (unwindTo !== frame) return;
        unwindTo = undefined;
      }
      if (current.kind === "end") {
        reportUnclosed(frame);
        return;
      }
      if (isSymbol(current, "}") || isSymbol(current, ">")) {
        if (closes(frame)) return;
      } else if (current.kind === "identifier") readField(frame);
      else skipJunk(frame);
    }
  }

  /** Takes a closing bracket; false when it closes nothing and reading goes on. */
  function closes(frame: Frame): boolean {
    const bracket = advance();
    if (bracket.text === frame.closer) return true;
    if (frame.closer === undefined) {
      if (forgiven > 0) forgiven--;
      else {
        const hint = `is there a "${bracket.text}" too many, or is a "${bracket.text === "}" ? "{" : "<"}" missing?`;
        mistakes.error(frame, `"${bracket.text}" closes nothing`, spanOfToken(bracket), { hint });
      }
      return false;
    }
    mistakes.error(frame, `expected "${frame.closer}", not "${bracket.text}"`, spanOfToken(bracket), {
      related: [{ message: `${frame.field?.name} was opened here`, span: frame.opened }],
    });
    return true;
  }

  function reportUnclosed(frame: Frame): void {
    if (frame.field === undefined) return;
    const open: Frame[] = [];
    for (let at: Frame | undefined = frame; at?.field !== undefined; at = at.parent) open.push(at);
    const count =
      open.length === 1 ? `"${frame.closer}" is missing` : `${open.length} closing brackets are missing`;
    mistakes.error(frame, `the file ends, but ${count}`, span(taken, Math.max(taken, taken + 1)), {
      related: open.map((at) => ({
        message: `the "${opening(at)}" of ${at.field?.name} is not closed`,
        span: at.opened,
      })),
    });
    unwindTo = root;
  }

  const opening = (frame: Frame): string => (frame.closer === ">" ? "<" : "{");

  /** Passes over tokens that cannot start a field, to the next field or bracket or the line's end. */
  function skipJunk(frame: Frame): void {
    const first = advance();
    mistakes.error(frame, `expected the name of a field, not ${describeToken(first)}`, spanOfToken(first));
    while (
      current.line === first.line &&
      current.kind !== "end" &&
      !startsField() &&
      !isSymbol(current, "}") &&
      !opensMessage(current)
    )
      advance();
    if (opensMessage(current) && current.line === first.line) skipBracketed(frame);
  }

  function readField(frame: Frame): void {
    const field = frame.info.byName.get(current.text);
    if (field === undefined) {
      readUnknown(frame);
      return;
    }
    const name = advance();
    if (!field.repeated && Object.hasOwn(frame.message, field.name)) {
      mistakes.error(frame, `${field.name} is given twice`, spanOfToken(name), {
        related: [{ message: "the first time is here", span: nameSpanOf(frame.message, field.name) }],
        hint: "it takes one value: remove one of the two",
      });
    }
    if (field.kind.is === "message") tryTake(":");
    else if (!tryTake(":")) {
      mistakes.error(
        frame,
        `expected ":" after ${field.name}, not ${describeToken(current)}`,
        spanOfToken(current),
        {
          hint: `${field.name} takes ${expectation(field.kind)}: write ${field.name}: …`,
        },
      );
      if (opensMessage(current)) {
        skipBracketed(frame);
        return;
      }
      // With a value on the same line only the colon is missing; otherwise this is no field at all.
      if (current.line !== name.line || startsField() || isSymbol(current, "}")) return;
    }
    if (isSymbol(current, "[")) readList(frame, field, name);
    else readOne(frame, field, name);
    if (!tryTake(";")) tryTake(",");
  }

  function readList(frame: Frame, field: FieldInfo, name: Token): void {
    const open = spanOfToken(current);
    if (!field.repeated) {
      mistakes.error(frame, `${field.name} takes one value, not a list`, open);
      skipBracketed(frame);
      return;
    }
    advance();
    if (tryTake("]")) return;
    while (!mistakes.tooMany && unwindTo === undefined) {
      readOne(frame, field, name);
      if (tryTake("]")) return;
      if (tryTake(",")) continue;
      mistakes.error(
        frame,
        `expected "," or "]" in the list of ${field.name}, not ${describeToken(current)}`,
        spanOfToken(current),
        {
          related: [{ message: "the list was opened here", span: open }],
        },
      );
      return;
    }
  }

  function readOne(frame: Frame, field: FieldInfo, name: Token): void {
    const start = current.start;
    const value = field.kind.is === "message" ? readMessage(frame, field, name) : readScalar(frame, field);
    if (value !== NO_VALUE) keep(frame, field, value, spanOfToken(name), span(start, taken));
  }

  function keep(frame: Frame, field: FieldInfo, value: unknown, name: Span, place: Span): void {
    const { message } = frame;
    const known = Object.hasOwn(message, field.name);
    if (field.repeated) {
      if (!known) give(message, field.name, []);
      (message[field.name] as unknown[]).push(value);
      // Of values that become a typed array only the first one's place is worth its memory.
      if (known && field.array !== undefined) return;
    } else {
      if (known) return;
      give(message, field.name, value);
    }
    placeField(message, field.name, name, place);
  }

  function readMessage(frame: Frame, field: FieldInfo, name: Token): Draft | typeof NO_VALUE {
    if (field.kind.is !== "message") return NO_VALUE;
    if (!opensMessage(current)) {
      mistakes.error(
        frame,
        `expected "{" after ${field.name}, not ${describeToken(current)}`,
        spanOfToken(current),
      );
      skipValue(frame);
      return NO_VALUE;
    }
    const bracket = advance();
    const info = field.kind.info();
    const message = draft(info);
    placeMessage(message, span(name.start, bracket.end));
    const inner: Frame = {
      info,
      message,
      field,
      opened: span(name.start, bracket.end),
      indent: name.leading ? name.column : undefined,
      closer: bracket.text === "<" ? ">" : "}",
      parent: frame,
    };
    readFields(inner);
    finishMessage(inner, span(name.start, taken));
    return message;
  }

  /** Turns lists of numbers into typed arrays, looks for required fields, and notes the place. */
  function finishMessage(frame: Frame, whole: Span): void {
    const { info } = frame;
    placeMessage(frame.message, whole);
    for (const field of info.fields) {
      if (field.array === undefined || !Object.hasOwn(frame.message, field.name)) continue;
      const values = frame.message[field.name] as number[];
      give(
        frame.message,
        field.name,
        field.array === "Float32Array" ? Float32Array.from(values) : Float64Array.from(values),
      );
    }
    const missing = info.required.filter((field) => !Object.hasOwn(frame.message, field.name));
    if (missing.length > 0) {
      const names = missing.map((field) => field.name).join(" and ");
      mistakes.error(
        frame.parent ?? frame,
        `${frame.field?.name ?? "the file"} needs ${names}`,
        frame.opened,
      );
    }
  }

  function readScalar(frame: Frame, field: FieldInfo): unknown {
    const { kind } = field;
    if (
      kind.is === "scalar" &&
      (kind.scalar === "string" || kind.scalar === "bytes") &&
      current.kind === "string"
    ) {
      const parts: Token[] = [];
      while (current.kind === "string") parts.push(advance());
      return kind.scalar === "string" ? stringText(parts) : new Uint8Array(stringBytes(parts));
    }
    const start = current.start;
    const negative = isSymbol(current, "-");
    if (negative) advance();
    const result = tokenValue(field, current, negative);
    if (result.ok) {
      advance();
      return result.value;
    }
    // A name with its own ":" belongs to the next field: the value itself is missing.
    const absent = startsField() && (current.leading || isSymbol(ahead, ":"));
    const message = absent ? `${field.name} has no value: it takes ${expectation(kind)}` : result.message;
    mistakes.error(frame, message, span(negative ? start : current.start, current.end), {
      hint: absent ? undefined : (result.hint ?? generationHint(frame, field, current)),
    });
    if (!absent) skipValue(frame);
    return NO_VALUE;
  }

  function readUnknown(frame: Frame): void {
    const name = current;
    const outer = missingBrace(frame);
    if (outer !== undefined) {
      mistakes.error(
        frame,
        `unknown field ${quoted(name.text)}`,
        spanOfToken(name),
        unknownFieldHelp(frame, name.text),
      );
      for (let at: Frame = frame; at !== outer && at.parent; at = at.parent) forgiven++;
      unwindTo = outer;
      return;
    }
    advance();
    mistakes.error(
      frame,
      `unknown field ${quoted(name.text)}`,
      spanOfToken(name),
      unknownFieldHelp(frame, name.text),
    );
    const colon = tryTake(":");
    if (opensMessage(current) || (colon && isSymbol(current, "["))) skipBracketed(frame);
    else if (colon && !startsField()) skipValue(frame);
    if (!tryTake(";")) tryTake(",");
  }

  /**
   * The outer message that the current field belongs to if the braces up to it were forgotten: either its
   * indentation says that the inner message is over, or it is a whole layer.
   */
  function missingBrace(frame: Frame): Frame | undefined {
    for (let outer = frame.parent, inner = frame; outer !== undefined; inner = outer, outer = outer.parent) {
      const field = outer.info.byName.get(current.text);
      if (field === undefined) continue;
      const outdented = current.leading && inner.indent !== undefined && current.column <= inner.indent;
      const wholeLayer = outer === root && field.kind.is === "message" && startsField();
      return outdented || wholeLayer ? outer : undefined;
    }
    return undefined;
  }

  /** Passes over a value that could not be read. */
  function skipValue(frame: Frame): void {
    const line = current.line;
    if (isSymbol(current, "}") || isSymbol(current, ">") || isSymbol(current, "]") || current.kind === "end")
      return;
    if (opensMessage(current) || isSymbol(current, "[")) {
      skipBracketed(frame);
      return;
    }
    if (isSymbol(current, "-")) advance();
    if (current.kind === "string") while (current.kind === "string") advance();
    else if (!isSymbol(current, "}")) advance();
    // `${name}`: what follows directly belongs to the same broken value.
    if (isSymbol(current, "{") && current.line === line && current.start === taken) skipBracketed(frame);
  }

  /** Passes over everything up to the bracket that closes the current one. */
  function skipBracketed(frame: Frame): void {
    const open = current;
    const waiting: string[] = [];
    do {
      const token = advance();
      if (token.kind === "end") {
        mistakes.error(
          frame,
          `the file ends, but the "${open.text}" that opens here is not closed`,
          spanOfToken(open),
        );
        unwindTo = root;
        return;
      }
      if (token.kind !== "symbol") continue;
      const closer = OPENERS[token.text];
      if (closer !== undefined) waiting.push(closer);
      else if (CLOSERS.has(token.text)) waiting.pop();
    } while (waiting.length > 0);
  }

  const rootInfo = schema(type);
  const root: Frame = {
    info: rootInfo,
    message: draft(rootInfo),
    field: undefined,
    opened: span(0, 0),
    indent: undefined,
    closer: undefined,
    parent: undefined,
  };
  placeMessage(root.message, span(0, source.text.length));
  readFields(root);
  finishMessage(root, span(0, source.text.length));
  mistakes.deliver(diagnostics);
  return seal(root.message) as Message as MessageTypes[T];
}

/** `layers` (old) takes types as words, `layer` as strings: the usual mix-up. */
function generationHint(frame: Frame, field: FieldInfo, token: Token): string | undefined {
  if (field.name !== "type") return undefined;
  if (frame.info.name === "V1LayerParameter" && token.kind === "string")
    return "a type in quotes belongs to the current format: write layer { … } and not layers { … }";
  if (frame.info.name === "LayerParameter" && token.kind === "identifier")
    return `a type is a string: "${token.text}", or for old files layers { type: ${token.text} }`;
  return undefined;
}
