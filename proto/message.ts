/**
 * The form in which messages are held: frozen objects whose own properties are the fields that were given, and
 * whose prototype reads as the defaults of their type.
 */
import type { MessageTypes } from "./generated/caffe.js";
import { type MessageInfo, type MessageName, messageInfo } from "./schema.js";

/** Any message. */
export type Message = MessageTypes[MessageName];

const TYPE: unique symbol = Symbol("message type");
const prototypes = new Map<MessageName, object>();

/** The message of a type in which no field is given: every field reads as its default. Frozen. */
export function defaultsOf<T extends MessageName>(type: T): MessageTypes[T] {
  let prototype = prototypes.get(type);
  if (prototype === undefined) {
    const made: Record<PropertyKey, unknown> = {};
    for (const field of messageInfo(type).fields) made[field.name] = field.defaultValue;
    Object.defineProperty(made, TYPE, { value: type });
    prototype = Object.freeze(made);
    prototypes.set(type, prototype);
  }
  return prototype as MessageTypes[T];
}

/**
 * A message of a type with these fields given; fields set to undefined, and repeated ones without a value, count as
 * not given. The object and its arrays are frozen (typed arrays cannot be).
 */
export function createMessage<T extends MessageName>(
  type: T,
  own: Partial<MessageTypes[T]> = {},
): MessageTypes[T] {
  const { byName } = messageInfo(type);
  const message: Record<string, unknown> = Object.create(defaultsOf(type));
  for (const [name, value] of Object.entries(own)) {
    if (!byName.has(name)) throw new TypeError(`${type} has no field ${JSON.stringify(name)}`);
    if (value === undefined || (byName.get(name)!.repeated && (value as ArrayLike<unknown>).length === 0))
      continue;
    give(message, name, Array.isArray(value) ? Object.freeze(value) : value);
  }
  return Object.freeze(message) as unknown as MessageTypes[T];
}

/** The same message with some fields set otherwise; a field set to undefined is no longer given. */
export function withFields<M extends Message>(message: M, patch: Partial<M>): M {
  return createMessage(typeOf(message), { ...message, ...patch }) as M;
}

/** The name of a message's type. */
export function typeOf(message: Message): MessageName {
  const type = (message as { readonly [TYPE]?: MessageName })[TYPE];
  if (type === undefined) throw new TypeError("not a message: make it with createMessage");
  return type;
}

/** The table of a message's type. */
export function infoOf(message: Message): MessageInfo {
  return messageInfo(typeOf(message));
}

/** Whether the message itself gives the field; for a repeated field, at least one value of it. */
export function has<M extends Message>(message: M, field: keyof M & string): boolean {
  return Object.hasOwn(message, field);
}

/** A message under construction: give it fields, then seal it. */
export type Draft = Record<string, unknown>;

export function draft(type: MessageName): Draft {
  return Object.create(defaultsOf(type)) as Draft;
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
