/**
 * The form in which messages are held: frozen objects whose own properties are the fields that were given, and
 * whose prototype reads as the defaults of their type.
 */

import type { MessageTypes } from "./generated/caffe.js";
import { type MessageInfo, type MessageName, messageInfo, type OnnxName } from "./schema.js";
import { quoted } from "./words/names.js";

/** Any message. */
export type Message = MessageTypes[MessageName];

const INFO: unique symbol = Symbol("message info");
const prototypes = new WeakMap<MessageInfo, object>();

/** The message of a type in which no field is given: every field reads as its default. Frozen. */
export function defaultsOf<T extends MessageName>(type: T): MessageTypes[T] {
  return prototypeOf(messageInfo(type)) as MessageTypes[T];
}

function prototypeOf(info: MessageInfo): object {
  let prototype = prototypes.get(info);
  if (prototype === undefined) {
    const made: Record<PropertyKey, unknown> = {};
    for (const field of info.fields) made[field.name] = field.defaultValue;
    Object.defineProperty(made, INFO, { value: info });
    prototype = Object.freeze(made);
    prototypes.set(info, prototype);
  }
  return prototype;
}

/**
 * A message of a type with these fields given; fields set to undefined, and repeated ones without a value, count as
 * not given. The object and its arrays are frozen (typed arrays cannot be).
 */
export function createMessage<T extends MessageName>(
  type: T,
  own: Partial<MessageTypes[T]> = {},
): MessageTypes[T] {
  return createMessageOf(messageInfo(type), own) as MessageTypes[T];
}

/** As `createMessage`, of a message by its table: one that is declared, or has fields more than the schema's. */
export function createMessageOf(info: MessageInfo, own: object = {}): Message {
  const { byName } = info;
  const message = draft(info);
  for (const [name, value] of Object.entries(own)) {
    const field = byName.get(name);
    if (field === undefined) throw new TypeError(`${info.name} has no field ${quoted(name)}`);
    if (value === undefined || (field.repeated && (value as ArrayLike<unknown>).length === 0)) continue;
    give(message, name, Array.isArray(value) ? Object.freeze(value) : value);
  }
  return Object.freeze(message) as unknown as Message;
}

/** A message of plain values; those of messages inside are plain too. */
export function messageOf(info: MessageInfo, plain: object): Message {
  const own = Object.entries(plain).map(([name, value]): [string, unknown] => {
    const kind = info.byName.get(name)?.kind;
    if (kind?.is !== "message" || value === undefined) return [name, value];
    const inside = (item: object): Message => messageOf(kind.info(), item);
    return [name, Array.isArray(value) ? value.map(inside) : inside(value as object)];
  });
  return createMessageOf(info, Object.fromEntries(own));
}

/** The same message with some fields set otherwise; a field set to undefined is no longer given. */
export function withFields<M extends Message>(message: M, patch: Partial<M>): M {
  return createMessageOf(infoOf(message), { ...message, ...patch }) as M;
}

export const typeOf = (message: Message): string => infoOf(message).name;

/** The table of a message's type. */
export function infoOf(message: Message): MessageInfo {
  const info = (message as { readonly [INFO]?: MessageInfo })[INFO];
  if (info === undefined) throw new TypeError("not a message: make it with createMessage");
  return info;
}

/** Whether a value is a message: made by the functions here, and frozen. */
export const isMessage = (value: object): value is Message =>
  (value as { readonly [INFO]?: MessageInfo })[INFO] !== undefined;

/** Whether the message itself gives the field; for a repeated field, at least one value of it. */
export function has<M extends Message>(message: M, field: keyof M & string): boolean {
  return Object.hasOwn(message, field);
}

/** A message under construction: give it fields, then seal it. */
export type Draft = Record<string, unknown>;

export function draft(type: MessageName | OnnxName | MessageInfo): Draft {
  return Object.create(prototypeOf(typeof type === "string" ? messageInfo(type) : type)) as Draft;
}

/** Sets a field of a draft. A plain assignment would fail: the prototype's fields are read-only. */
export function give(message: Draft, name: string, value: unknown): void {
  Object.defineProperty(message, name, { value, enumerable: true, writable: true, configurable: true });
}

/** Freezes a draft and everything in it. */
export function seal(message: Draft): Message {
  for (const value of Object.values(message)) {
    if (Array.isArray(value)) {
      if (typeof value[0] === "object") for (const item of value) seal(item as Draft);
      Object.freeze(value);
    } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value))
      seal(value as Draft);
  }
  return Object.freeze(message) as unknown as Message;
}

/**
 * A float field's value as a number: the shortest decimal that stands for the float32 a file holds, so that 0.1
 * reads as 0.1 whether it came from a text or from a binary file.
 */
export function floatValue(value: number): number {
  const single = Math.fround(value);
  if (Number.isInteger(single) || !Number.isFinite(single)) return single;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(9));
}
