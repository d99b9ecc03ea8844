import { quoted } from "../words/names.js";
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
  type MessageInfo,
  type MessageName,
  type MessageTypes,
  messageInfo,
  type Schema,
  seal,
} from "../index.js";
import {
  type Reading,
  reportCurrent,
  reportUnclosed,
  skipBracketed,
  skipJunk,
  skipValue,
} from "./reading.js";
import { expectation, tokenValue } from "./scalar-values.js";
import { createScanner, stringBytes, stringText, type Token } from "./scan.js";
import { nameSpanOf, placeField, placeMessage } from "./spans.js";
import { createMistakes, type Frame, unknownFieldHelp } from "./text-mistakes.js";
import {
  createCursor,
  isSymbol,
  opensMessage,
  spanOfToken,
  startsField,
  startsValue,
} from "./token-cursor.js";

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
  const cursor = createCursor(source, scanner);
  const info = schema(type);
  const root: Frame = {
    info,
    message: draft(info),
    field: undefined,
    opened: cursor.span(0, 0),
    indent: undefined,
    closer: undefined,
    parent: undefined,
  };
  const whole = cursor.span(0, source.text.length);
  placeMessage(root.message, whole);
  const reading: Reading = { cursor, mistakes, root, unwindTo: undefined, forgiven: 0 };
  readFields(reading, root);
  finishMessage(reading, root, whole);
  scanner.finish();
  mistakes.deliver(diagnostics);
  return seal(root.message) as Message as MessageTypes[T];
}

function readFields(reading: Reading, frame: Frame): void {
  const { cursor, mistakes } = reading;
  while (!mistakes.tooMany) {
    if (reading.unwindTo !== undefined) {
      if (reading.unwindTo !== frame) return;
      reading.unwindTo = undefined;
    }
    if (cursor.current.kind === "end") {
      reportUnclosed(reading, frame);
      return;
    }
    if (isSymbol(cursor.current, "}", ">")) {
      if (closes(reading, frame)) return;
    } else if (cursor.current.kind === "identifier") readField(reading, frame);
    else skipJunk(reading, frame);
  }
}

/** Takes a closing bracket; false when it closes nothing and reading goes on. */
function closes(reading: Reading, frame: Frame): boolean {
  const { cursor, mistakes } = reading;
  const bracket = cursor.take();
  if (bracket.text === frame.closer) return true;
  const place = spanOfToken(cursor, bracket);
  if (frame.closer === undefined) {
    if (reading.forgiven > 0) reading.forgiven--;
    else {
      const hint = `is there a "${bracket.text}" too many, or is a "${bracket.text === "}" ? "{" : "<"}" missing?`;
      mistakes.error(frame, `"${bracket.text}" closes nothing`, place, { hint });
    }
    return false;
  }
  mistakes.error(frame, `expected "${frame.closer}", not "${bracket.text}"`, place, {
    related: [{ message: `${frame.field?.name} was opened here`, span: frame.opened }],
  });
  return true;
}

function readField(reading: Reading, frame: Frame): void {
  const { cursor, mistakes } = reading;
  const field = frame.info.byName.get(cursor.current.text);
  if (field === undefined) {
    readUnknown(reading, frame);
    return;
  }
  const twice = !field.repeated && Object.hasOwn(frame.message, field.name);
  const outer = twice ? missingBrace(reading, frame, true) : undefined;
  if (outer !== undefined) {
    reportMissingBrace(reading, frame, outer);
    return;
  }
  const name = cursor.take();
  if (twice) {
    mistakes.error(frame, `${field.name} is given twice`, spanOfToken(cursor, name), {
      related: [{ message: "the first time is here", span: nameSpanOf(frame.message, field.name) }],
      hint: "it takes one value: remove one of the two",
    });
  }
  const colon = cursor.tryTake(":");
  if (!colon && isSymbol(cursor.current, "=")) {
    reportCurrent(reading, frame, `":" after ${field.name}`);
    cursor.take();
  } else if (!colon && field.kind.is !== "message" && !readsOnWithoutColon(reading, frame, field, name))
    return;
  if (isSymbol(cursor.current, "[")) readList(reading, frame, field, name);
  else readOne(reading, frame, field, name);
  if (!cursor.tryTake(";")) cursor.tryTake(",");
}

/** Reports that a field's colon is missing. Whether its value follows all the same. */
function readsOnWithoutColon(reading: Reading, frame: Frame, field: FieldInfo, name: Token): boolean {
  const { cursor } = reading;
  reportCurrent(reading, frame, `":" after ${field.name}`, {
    hint: `${field.name} takes ${expectation(field.kind)}: write ${field.name}: …`,
  });
  if (opensMessage(cursor.current)) {
    skipBracketed(reading, frame);
    return false;
  }
  // With a value on the same line only the colon is missing; otherwise this is no field at all.
  return cursor.current.line === name.line && !startsField(cursor) && !isSymbol(cursor.current, "}");
}

function readList(reading: Reading, frame: Frame, field: FieldInfo, name: Token): void {
  const { cursor, mistakes } = reading;
  const open = spanOfToken(cursor, cursor.current);
  if (!field.repeated) {
    mistakes.error(frame, `${field.name} takes one value, not a list`, open);
    skipBracketed(reading, frame);
    return;
  }
  cursor.take();
  if (cursor.tryTake("]")) return;
  let told = false;
  while (!mistakes.tooMany && reading.unwindTo === undefined) {
    readOne(reading, frame, field, name);
    if (cursor.tryTake("]")) return;
    if (cursor.tryTake(",")) continue;
    if (!told)
      reportCurrent(reading, frame, `"," or "]" in the list of ${field.name}`, {
        related: [{ message: "the list was opened here", span: open }],
      });
    told = true;
    if (!startsValue(cursor)) return;
  }
}

function readOne(reading: Reading, frame: Frame, field: FieldInfo, name: Token): void {
  const { cursor } = reading;
  const { start } = cursor.current;
  const value =
    field.kind.is === "message"
      ? readMessage(reading, frame, field, field.kind.info(), name)
      : readScalar(reading, frame, field);
  if (value !== NO_VALUE)
    keep(frame, field, value, spanOfToken(cursor, name), cursor.span(start, cursor.taken));
}

function keep({ message }: Frame, field: FieldInfo, value: unknown, name: Span, place: Span): void {
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

function readMessage(
  reading: Reading,
  frame: Frame,
  field: FieldInfo,
  info: MessageInfo,
  name: Token,
): Draft | typeof NO_VALUE {
  const { cursor } = reading;
  const isOpen = opensMessage(cursor.current);
  if (!isOpen) reportCurrent(reading, frame, `"{" after ${field.name}`);
  // With a field of the message next, only the bracket is missing.
  if (!isOpen && !(startsField(cursor) && info.byName.has(cursor.current.text))) {
    skipValue(reading, frame);
    return NO_VALUE;
  }
  const bracket = isOpen ? cursor.take() : undefined;
  const message = draft(info);
  const opened = cursor.span(name.start, bracket?.end ?? name.end);
  placeMessage(message, opened);
  const inner: Frame = {
    info,
    message,
    field,
    opened,
    indent: name.leading ? name.column : undefined,
    closer: bracket?.text === "<" ? ">" : "}",
    parent: frame,
  };
  readFields(reading, inner);
  finishMessage(reading, inner, cursor.span(name.start, cursor.taken));
  return message;
}

/** Turns lists of numbers into typed arrays, looks for required fields, and notes the place. */
function finishMessage({ mistakes }: Reading, frame: Frame, whole: Span): void {
  const { info, message } = frame;
  placeMessage(message, whole);
  for (const { name, array } of info.fields) {
    if (array === undefined || !Object.hasOwn(message, name)) continue;
    const values = message[name] as number[];
    give(message, name, array === "Float32Array" ? Float32Array.from(values) : Float64Array.from(values));
  }
  const missing = info.required.filter((field) => !Object.hasOwn(message, field.name));
  if (missing.length > 0) {
    const names = missing.map((field) => field.name).join(" and ");
    const holder = frame.field?.name ?? "the file";
    mistakes.error(frame.parent ?? frame, `${holder} needs ${names}`, frame.opened);
  }
}

function readScalar(reading: Reading, frame: Frame, field: FieldInfo): unknown {
  const { cursor, mistakes } = reading;
  const { kind } = field;
  const isText = kind.is === "scalar" && (kind.scalar === "string" || kind.scalar === "bytes");
  if (isText && cursor.current.kind === "string") {
    const parts: Token[] = [];
    while (cursor.current.kind === "string") parts.push(cursor.take());
    return kind.scalar === "string" ? stringText(parts) : stringBytes(parts);
  }
  const { start } = cursor.current;
  const negative = cursor.tryTake("-");
  const { current } = cursor;
  const result = tokenValue(field, current, negative);
  if (result.ok) {
    cursor.take();
    return result.value;
  }
  // A name with its own ":" belongs to the next field: the value itself is missing.
  const absent = startsField(cursor) && (current.leading || isSymbol(cursor.ahead, ":"));
  const message = absent ? `${field.name} has no value: it takes ${expectation(kind)}` : result.message;
  if (!current.marred)
    mistakes.error(frame, message, cursor.span(start, current.end), {
      hint: absent ? undefined : (result.hint ?? generationHint(frame, field, current)),
    });
  if (!absent) skipValue(reading, frame);
  return NO_VALUE;
}

function readUnknown(reading: Reading, frame: Frame): void {
  const { cursor, mistakes } = reading;
  const name = cursor.current;
  const outer = missingBrace(reading, frame);
  if (outer !== undefined) {
    reportMissingBrace(reading, frame, outer);
    return;
  }
  if (!name.marred)
    mistakes.error(
      frame,
      `unknown field ${quoted(name.text)}`,
      spanOfToken(cursor, name),
      unknownFieldHelp(frame, name.text),
    );
  cursor.take();
  const colon = cursor.tryTake(":");
  if (opensMessage(cursor.current) || (colon && isSymbol(cursor.current, "["))) skipBracketed(reading, frame);
  else if (colon && !startsField(cursor)) skipValue(reading, frame);
  if (!cursor.tryTake(";")) cursor.tryTake(",");
}

/** Reports that messages are not closed before the current field, and goes on with it in `outer`. */
function reportMissingBrace(reading: Reading, frame: Frame, outer: Frame): void {
  const { cursor, mistakes } = reading;
  const { current } = cursor;
  if (!current.marred) {
    const known = frame.info.byName.has(current.text);
    mistakes.error(
      frame,
      `${known ? 'expected a "}" before the' : "unknown"} field ${quoted(current.text)}`,
      spanOfToken(cursor, current),
      unknownFieldHelp(frame, current.text),
    );
  }
  for (let at: Frame = frame; at !== outer && at.parent; at = at.parent) reading.forgiven++;
  reading.unwindTo = outer;
}

/**
 * The outer message that the current field belongs to if the braces up to it were forgotten: either its
 * indentation says that the inner message is over, or it is a whole layer.
 */
function missingBrace({ cursor, root }: Reading, frame: Frame, byIndentation = false): Frame | undefined {
  const { current } = cursor;
  for (let outer = frame.parent, inner = frame; outer !== undefined; inner = outer, outer = outer.parent) {
    const field = outer.info.byName.get(current.text);
    if (field === undefined) continue;
    const outdented = current.leading && inner.indent !== undefined && current.column <= inner.indent;
    const wholeLayer = !byIndentation && outer === root && field.kind.is === "message" && startsField(cursor);
    return outdented || wholeLayer ? outer : undefined;
  }
  return undefined;
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
