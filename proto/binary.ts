/** The binary form of messages: .caffemodel, .solverstate, .binaryproto, records of databases. */

import protobuf from "protobufjs/minimal.js";
import { CortadoError, userError } from "./errors/index.js";
import type { MessageTypes } from "./generated/caffe.js";
import type { MessageTypes as OnnxTypes } from "./generated/onnx.js";
import { type Draft, draft, floatValue, give, seal } from "./message.js";
import {
  type FieldInfo,
  type MessageInfo,
  type MessageName,
  messageInfo,
  type OnnxName,
  type ScalarKind,
} from "./schema.js";
import { LITTLE_ENDIAN, littleEndianBytes, turnNumbers } from "./words/text-bytes.js";
import { messageOf } from "./words/trouble.js";

/** A message with only those fields that it gives, and such messages in it. */
export type Plain<M> = M extends Uint8Array | string | number | boolean | undefined
  ? M
  : M extends readonly (infer Item)[]
    ? readonly Plain<Item>[]
    : { readonly [N in keyof M]?: Plain<M[N]> };

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/**
 * Reads a message. Memory stays within a small multiple of the input's size whatever the input says; unknown
 * fields and unknown enum values are passed over; a singular message met twice is merged.
 *
 * @param what how to name the input in an error, for instance the file's path
 * @param skip fields to be passed over like unknown ones
 * @param inPlace whether long arrays of numbers may stay in the bytes, moved there to where arrays may begin: nobody else
 *   may read them then
 * @throws CortadoError when the bytes are cut short or are not such a message
 */
export function decodeMessage<T extends MessageName | OnnxName>(
  type: T,
  bytes: Uint8Array,
  what?: string,
  skip: (field: FieldInfo) => boolean = () => false,
  inPlace = false,
): (MessageTypes & OnnxTypes)[T] {
  const message = draft(type);
  const name = what ?? "the input";
  try {
    // A Buffer is re-wrapped so that protobufjs and this file see one kind of array.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const reader = protobuf.Reader.create(plain);
    decodeInto(message, messageInfo(type), reader, reader.len, { skip, inPlace });
    finishArrays(message, messageInfo(type), "");
  } catch (error) {
    if (error instanceof CortadoError) throw error;
    const reason = messageOf(error);
    throw userError(
      `${name} is not a ${type} in protobuf's binary form, or it is damaged (${reason})`,
      bytes.length === 0
        ? "it is empty"
        : "check that the file was copied whole, and that it is not a text file",
    );
  }
  return seal(message) as (MessageTypes & OnnxTypes)[T];
}

/** A typed array that is still being filled. */
interface Filling {
  array: Float32Array | Float64Array;
  length: number;
}

const isFilling = (value: unknown): value is Filling =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === FILLING;
const FILLING = Object.freeze({});

interface Decoding {
  readonly skip: (field: FieldInfo) => boolean;
  readonly inPlace: boolean;
}

function decodeInto(
  message: Draft,
  info: MessageInfo,
  reader: protobuf.Reader,
  end: number,
  how: Decoding,
): void {
  while (reader.pos < end) {
    const tag = reader.tag();
    const wire = tag & 7;
    const field = info.byId.get(tag >>> 3);
    if (field === undefined || how.skip(field) || !decodeField(message, field, reader, wire, end, how))
      reader.skipType(wire, 0, tag >>> 3);
    if (reader.pos > end) throw new Error("a field runs past the end of its message");
  }
}

/** Reads one occurrence of a field; false when the wire type is none that the field may have. */
function decodeField(
  message: Draft,
  field: FieldInfo,
  reader: protobuf.Reader,
  wire: number,
  end: number,
  how: Decoding,
): boolean {
  const { kind } = field;
  if (kind.is === "message") {
    if (wire !== BYTES) return false;
    const stop = lengthEnd(reader, end);
    const own = Object.hasOwn(message, field.name);
    const child = own && !field.repeated ? (message[field.name] as Draft) : draft(kind.info());
    decodeInto(child, kind.info(), reader, stop, how);
    if (field.repeated) listOf(message, field).push(child);
    else give(message, field.name, child);
    return true;
  }
  const scalar = kind.is === "enum" ? "int32" : kind.scalar;
  const expected = wireOf(scalar);
  if (field.array !== undefined) {
    if (wire === BYTES) appendPacked(fillingOf(message, field), reader, lengthEnd(reader, end), how.inPlace);
    else if (wire === expected) appendOne(fillingOf(message, field), reader);
    else return false;
    return true;
  }
  if (wire === expected) {
    store(message, field, readScalar(reader, scalar));
    return true;
  }
  if (field.repeated && wire === BYTES && expected !== BYTES) {
    for (const stop = lengthEnd(reader, end); reader.pos < stop; ) {
      store(message, field, readScalar(reader, scalar));
      if (reader.pos > stop) throw new Error("a packed value runs past the end of its field");
    }
    return true;
  }
  return false;
}

function lengthEnd(reader: protobuf.Reader, end: number): number {
  const length = reader.size();
  const stop = reader.pos + length;
  if (stop > end) throw new Error(`a field of ${length} bytes runs past the end`);
  return stop;
}

function store(message: Draft, field: FieldInfo, raw: unknown): void {
  const value = field.kind.is === "enum" ? field.kind.byNumber.get(raw as number) : raw;
  if (value === undefined) return;
  if (field.repeated) listOf(message, field).push(value);
  else give(message, field.name, value);
}

function listOf(message: Draft, field: FieldInfo): unknown[] {
  if (!Object.hasOwn(message, field.name)) give(message, field.name, []);
  return message[field.name] as unknown[];
}

function fillingOf(message: Draft, field: FieldInfo): Filling {
  if (!Object.hasOwn(message, field.name)) {
    const filling = Object.create(FILLING) as Filling;
    filling.array = field.array === "Float64Array" ? new Float64Array(0) : new Float32Array(0);
    filling.length = 0;
    give(message, field.name, filling);
  }
  return message[field.name] as Filling;
}

/** An array of so many bytes has at least three before it, its tag and length, over which it can be moved to a multiple of 4. */
const LEAST_IN_PLACE = 128;

/** Appends the raw little-endian values up to `stop`; a single chunk, the usual case, is copied once, or moved. */
function appendPacked(filling: Filling, reader: protobuf.Reader, stop: number, inPlace: boolean): void {
  const width = filling.array.BYTES_PER_ELEMENT;
  const bytes = stop - reader.pos;
  if (bytes % width !== 0) throw new Error(`${bytes} bytes are no whole number of values`);
  if (inPlace && LITTLE_ENDIAN && width === 4 && filling.length === 0 && bytes >= LEAST_IN_PLACE) {
    const { buffer, byteOffset } = reader.buf;
    const from = byteOffset + reader.pos;
    const to = from - (from % width);
    new Uint8Array(buffer).copyWithin(to, from, from + bytes);
    filling.array = new Float32Array(buffer, to, bytes / width);
    filling.length = filling.array.length;
    reader.pos = stop;
    return;
  }
  const raw = reader.buf.slice(reader.pos, stop);
  if (!LITTLE_ENDIAN) turnNumbers(raw, width);
  const values = width === 4 ? new Float32Array(raw.buffer) : new Float64Array(raw.buffer);
  if (filling.length === 0) filling.array = values;
  else {
    reserve(filling, filling.length + values.length);
    filling.array.set(values, filling.length);
  }
  filling.length += values.length;
  reader.pos = stop;
}

function appendOne(filling: Filling, reader: protobuf.Reader): void {
  reserve(filling, filling.length + 1);
  filling.array[filling.length++] = filling.array.BYTES_PER_ELEMENT === 4 ? reader.float() : reader.double();
}

/** Makes room by doubling, so that n values appended one by one cost O(n). */
function reserve(filling: Filling, needed: number): void {
  if (needed <= filling.array.length) return;
  const room = Math.max(needed, 2 * filling.array.length, 16);
  const grown = filling.array instanceof Float32Array ? new Float32Array(room) : new Float64Array(room);
  grown.set(filling.array.subarray(0, filling.length));
  filling.array = grown;
}

/** Cuts typed arrays to their length and checks required fields, in this message and those below it. */
function finishArrays(message: Draft, info: MessageInfo, path: string): void {
  for (const field of info.required)
    if (!Object.hasOwn(message, field.name)) throw new Error(`${path}${field.name} is missing`);
  for (const [name, value] of Object.entries(message)) {
    const field = info.byName.get(name);
    if (field === undefined) continue;
    if (isFilling(value)) {
      if (value.length === 0) delete message[name];
      else
        give(
          message,
          name,
          value.array.length === value.length ? value.array : value.array.slice(0, value.length),
        );
    } else if (field.kind.is === "message") {
      const child = messageInfo(field.kind.message);
      if (Array.isArray(value))
        for (const [index, item] of value.entries()) finishArrays(item, child, `${path}${name}[${index}].`);
      else finishArrays(value as Draft, child, `${path}${name}.`);
    }
  }
}

function readScalar(reader: protobuf.Reader, scalar: ScalarKind): unknown {
  switch (scalar) {
    case "int32":
      return reader.int32();
    case "uint32":
      return reader.uint32();
    case "int64":
      return Number(reader.int64());
    case "float":
      return floatValue(reader.float());
    case "double":
      return reader.double();
    case "bool":
      return reader.bool();
    case "string":
      return reader.string();
    case "bytes":
      return reader.bytes().slice();
    default:
      return scalar satisfies never;
  }
}

function wireOf(scalar: ScalarKind): number {
  switch (scalar) {
    case "int32":
    case "uint32":
    case "int64":
    case "bool":
      return VARINT;
    case "float":
      return FIXED32;
    case "double":
      return FIXED64;
    case "string":
    case "bytes":
      return BYTES;
    default:
      return scalar satisfies never;
  }
}

/**
 * Writes a message; its fields go in ascending order of number, as protobuf's own writers put them. What a message
 * gives is its own properties, so a plain object of the same shape serves as well.
 */
export const encodeMessage = <T extends MessageName>(
  type: T,
  message: Partial<MessageTypes[T]>,
): Uint8Array => encode(type, message);

/** Writes a message of a file that is only written, from plain objects. */
export const encodePlain = <T extends OnnxName>(type: T, message: Plain<OnnxTypes[T]>): Uint8Array =>
  encode(type, message);

function encode(type: MessageName | OnnxName, message: object): Uint8Array {
  const writer = protobuf.Writer.create();
  encodeInto(writer, messageInfo(type), message as Readonly<Record<string, unknown>>);
  return writer.finish();
}

function encodeInto(
  writer: protobuf.Writer,
  info: MessageInfo,
  message: Readonly<Record<string, unknown>>,
): void {
  for (const field of info.fields) {
    if (!Object.hasOwn(message, field.name)) continue;
    const value = message[field.name];
    if (value === undefined) continue;
    if (!field.repeated) encodeOne(writer, field, value);
    else if (field.packed) encodePacked(writer, field, value as ArrayLike<unknown>);
    else for (const item of value as Iterable<unknown>) encodeOne(writer, field, item);
  }
}

function encodeOne(writer: protobuf.Writer, field: FieldInfo, value: unknown): void {
  const { kind } = field;
  if (kind.is === "message") {
    writer.uint32((field.id << 3) | BYTES).fork();
    encodeInto(writer, kind.info(), value as Readonly<Record<string, unknown>>);
    writer.ldelim();
    return;
  }
  const scalar = kind.is === "enum" ? "int32" : kind.scalar;
  writer.uint32((field.id << 3) | wireOf(scalar));
  writeScalar(writer, scalar, kind.is === "enum" ? kind.byName.get(value as string) : value);
}

function encodePacked(writer: protobuf.Writer, field: FieldInfo, values: ArrayLike<unknown>): void {
  if (values.length === 0) return;
  writer.uint32((field.id << 3) | BYTES);
  if (values instanceof Float32Array || values instanceof Float64Array) {
    writer.bytes(littleEndianBytes(values));
    return;
  }
  const { kind } = field;
  writer.fork();
  for (let i = 0; i < values.length; i++)
    writeScalar(writer, kind.is === "scalar" ? kind.scalar : "int32", values[i]);
  writer.ldelim();
}

function writeScalar(writer: protobuf.Writer, scalar: ScalarKind, value: unknown): void {
  switch (scalar) {
    case "int32":
      writer.int32(value as number);
      return;
    case "uint32":
      writer.uint32(value as number);
      return;
    case "int64":
      writer.int64(value as number);
      return;
    case "float":
      writer.float(value as number);
      return;
    case "double":
      writer.double(value as number);
      return;
    case "bool":
      writer.bool(value as boolean);
      return;
    case "string":
      writer.string(value as string);
      return;
    case "bytes":
      writer.bytes(value as Uint8Array);
      return;
    default:
      scalar satisfies never;
  }
}
