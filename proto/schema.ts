/**
 * The schema as tables: for each message its fields by name and by number, ready for the text parser, the binary
 * reader and writer, and the printer.
 */

import protobuf from "protobufjs/light.js";
import { present } from "./errors/index.js";
import { descriptor, type MessageTypes } from "./generated/caffe.js";
import { type MessageTypes as OnnxTypes, descriptor as onnxDescriptor } from "./generated/onnx.js";
import { quoted } from "./words/names.js";

export type MessageName = keyof MessageTypes;

/** Messages of files that are only written. */
export type OnnxName = keyof OnnxTypes;

export type ScalarKind = "int32" | "uint32" | "int64" | "float" | "double" | "bool" | "string" | "bytes";

/** What a field holds. Enum values are known by name everywhere but in the binary form. */
export type FieldKind =
  | { readonly is: "scalar"; readonly scalar: ScalarKind }
  | {
      readonly is: "enum";
      readonly name: string;
      readonly byName: ReadonlyMap<string, number>;
      readonly byNumber: ReadonlyMap<number, string>;
    }
  /** `message` is its name; `info` its table, looked up when asked for, since messages can hold each other. */
  | { readonly is: "message"; readonly message: string; readonly info: () => MessageInfo };

export interface FieldInfo {
  readonly name: string;
  readonly id: number;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  readonly required: boolean;
  readonly packed: boolean;
  /** A repeated float or double that is held as a typed array. */
  readonly array: "Float32Array" | "Float64Array" | undefined;
  /** What a message that does not give the field reads as; undefined for single messages. */
  readonly defaultValue: unknown;
}

export interface MessageInfo {
  /** A MessageName, or the name of a message that is declared beside the schema. */
  readonly name: string;
  /** In ascending order of number, which is the order they are written in. */
  readonly fields: readonly FieldInfo[];
  readonly byName: ReadonlyMap<string, FieldInfo>;
  readonly byId: ReadonlyMap<number, FieldInfo>;
  readonly required: readonly FieldInfo[];
}

/** Messages that carry array values: their repeated floats and doubles are typed arrays. */
const VALUE_CARRIERS: ReadonlySet<string> = new Set<MessageName>(["BlobProto", "Datum"]);

/** What a scalar reads as where nothing says otherwise. */
export const ZERO: Readonly<Record<ScalarKind, unknown>> = {
  int32: 0,
  uint32: 0,
  int64: 0,
  float: 0,
  double: 0,
  bool: false,
  string: "",
  bytes: new Uint8Array(0),
};

let builtRoot: protobuf.Root | undefined;
let builtTable: ReadonlyMap<string, MessageInfo> | undefined;

/** The schema of Caffe's files as protobufjs holds it, for tools that want reflection. */
export function schemaRoot(): protobuf.Root {
  builtRoot ??= rootOf(descriptor);
  return builtRoot;
}

function rootOf(described: object): protobuf.Root {
  const root = protobuf.Root.fromJSON(described as protobuf.INamespace);
  root.resolveAll();
  return root;
}

/** The table of one message of the schemas. @throws TypeError where they have none of that name */
export function messageInfo(name: MessageName | OnnxName | (string & {})): MessageInfo {
  builtTable ??= buildTable();
  const info = builtTable.get(name);
  if (info === undefined) throw new TypeError(`the schemas have no message ${quoted(name)}`);
  return info;
}

/** A field that a message has. */
export const fieldInfo = (message: MessageInfo, field: string): FieldInfo =>
  present(message.byName.get(field), `${message.name}.${field}`);

/** The messages of one reading: the schema's, some of them with fields more. */
export type Schema = (name: MessageName) => MessageInfo;

/** The schema with more fields in one message, wherever that message is met. */
export function extendSchema(name: MessageName, more: readonly FieldInfo[]): Schema {
  if (more.length === 0) return messageInfo;
  const extended = new Map<string, MessageInfo>();
  const inside = (info: MessageInfo): MessageInfo => {
    const known = extended.get(info.name);
    if (known) return known;
    const { fields } = info;
    const added = info.name === name ? more : [];
    const made = tableOf(info.name, [...fields.map(seen), ...added]);
    extended.set(info.name, made);
    return made;
  };
  const seen = (field: FieldInfo): FieldInfo => {
    const { kind } = field;
    if (kind.is !== "message" || !reaches(kind.info(), name)) return field;
    return { ...field, kind: { ...kind, info: () => inside(kind.info()) } };
  };
  return (wanted) => {
    const info = messageInfo(wanted);
    return reaches(info, name) ? inside(info) : info;
  };
}

/** Whether a message is of a type, or can hold one. The schema's messages do not hold themselves. */
const reaches = (info: MessageInfo, name: string): boolean =>
  info.name === name || info.fields.some(({ kind }) => kind.is === "message" && reaches(kind.info(), name));

function buildTable(): ReadonlyMap<string, MessageInfo> {
  const table = new Map<string, MessageInfo>();
  const visit = (space: protobuf.NamespaceBase): void => {
    for (const entry of space.nestedArray) {
      if (entry instanceof protobuf.Type) table.set(entry.name, describeMessage(entry));
      if (entry instanceof protobuf.Namespace) visit(entry);
    }
  };
  visit(schemaRoot());
  visit(rootOf(onnxDescriptor));
  return table;
}

function describeMessage(type: protobuf.Type): MessageInfo {
  return tableOf(type.name, type.fieldsArray.map(describeField));
}

/** The table of a message with these fields. */
export function tableOf(name: string, unsorted: readonly FieldInfo[]): MessageInfo {
  const fields = [...unsorted].sort((a, b) => a.id - b.id);
  return {
    name,
    fields,
    byName: new Map(fields.map((field) => [field.name, field])),
    byId: new Map(fields.map((field) => [field.id, field])),
    required: fields.filter((field) => field.required),
  };
}

function describeField(field: protobuf.Field): FieldInfo {
  const kind = fieldKind(field);
  const array =
    field.repeated && field.parent && VALUE_CARRIERS.has(field.parent.name) ? arrayType(field) : undefined;
  return {
    name: field.name,
    id: field.id,
    kind,
    repeated: field.repeated,
    required: field.required,
    packed: field.packed,
    array,
    defaultValue: defaultValue(field, kind, array),
  };
}

function arrayType(field: protobuf.Field): FieldInfo["array"] {
  if (field.type === "float") return "Float32Array";
  return field.type === "double" ? "Float64Array" : undefined;
}

function fieldKind(field: protobuf.Field): FieldKind {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) {
    const { name } = resolvedType;
    return { is: "message", message: name, info: () => messageInfo(name) };
  }
  if (resolvedType instanceof protobuf.Enum) {
    const values = Object.entries(resolvedType.values);
    return {
      is: "enum",
      name: resolvedType.name,
      byName: new Map(values),
      byNumber: new Map(values.map(([name, number]) => [number, name])),
    };
  }
  return { is: "scalar", scalar: field.type as ScalarKind };
}

function defaultValue(field: protobuf.Field, kind: FieldKind, array: FieldInfo["array"]): unknown {
  if (array === "Float32Array") return new Float32Array(0);
  if (array === "Float64Array") return new Float64Array(0);
  if (field.repeated) return Object.freeze([]);
  const given: unknown = field.options?.["default"];
  switch (kind.is) {
    case "message":
      return undefined;
    case "enum":
      return typeof given === "string" ? given : kind.byName.keys().next().value;
    case "scalar":
      return given ?? ZERO[kind.scalar];
    default:
      return kind satisfies never;
  }
}
