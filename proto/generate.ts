/**
 * Writes proto/generated/NAME.ts from proto/NAME.proto: TypeScript types of every message and the schema as a
 * constant, so that nothing reads a .proto file at run time. `npm run generate` runs it from the project's root.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import protobuf from "protobufjs";

/** The schemas, by the names of their files and packages. */
export const SCHEMAS = ["caffe", "onnx"] as const;

/** Messages that carry array values: their repeated floats and doubles become typed arrays. */
const VALUE_CARRIERS: ReadonlySet<string> = new Set(["BlobProto", "Datum"]);

const SCALAR_TYPES: Readonly<Record<string, string>> = {
  int32: "number",
  uint32: "number",
  int64: "number",
  float: "number",
  double: "number",
  bool: "boolean",
  string: "string",
  bytes: "Uint8Array",
};

/**
 * The text of the generated module.
 *
 * @param name the schema's, which is that of its package
 * @param protoText a proto2 schema with one package
 */
export function generateTypes(name: (typeof SCHEMAS)[number], protoText: string): string {
  const { root } = protobuf.parse(protoText, { keepCase: true, alternateCommentMode: true });
  root.resolveAll();
  const messages: protobuf.Type[] = [];
  const enums: protobuf.Enum[] = [];
  collect(root.lookup(name) as protobuf.Namespace, messages, enums);
  return [
    `// Generated from proto/${name}.proto by proto/generate.ts. Do not edit: change the schema and run`,
    "// `npm run generate`.",
    "",
    ...enums.flatMap(enumLines),
    ...messages.flatMap(messageLines),
    "/** Every message by its name. */",
    "export interface MessageTypes {",
    ...messages.map((type) => `  readonly ${type.name}: ${type.name};`),
    "}",
    "",
    "/** The schema, as protobufjs reads it with `Root.fromJSON`. */",
    `export const descriptor = ${JSON.stringify(root.toJSON(), null, 1)};`,
    "",
  ].join("\n");
}

/** Messages and enums in the order of the file, nested ones after what holds them. */
function collect(space: protobuf.NamespaceBase, messages: protobuf.Type[], enums: protobuf.Enum[]): void {
  for (const entry of space.nestedArray) {
    if (entry instanceof protobuf.Enum) enums.push(entry);
    else if (entry instanceof protobuf.Type) {
      messages.push(entry);
      collect(entry, messages, enums);
    }
  }
}

/** An enum inside a message is named after both: PoolingParameter_PoolMethod. */
function enumName(type: protobuf.Enum): string {
  return type.parent instanceof protobuf.Type ? `${type.parent.name}_${type.name}` : type.name;
}

function enumLines(type: protobuf.Enum): string[] {
  const names = Object.keys(type.values).map((name) => JSON.stringify(name));
  return [...commentLines(type.comment, ""), `export type ${enumName(type)} = ${names.join(" | ")};`, ""];
}

function messageLines(type: protobuf.Type): string[] {
  return [
    ...commentLines(type.comment, ""),
    `export interface ${type.name} {`,
    ...type.fieldsArray.flatMap((field) => [
      ...commentLines(field.comment, "  "),
      `  readonly ${field.name}: ${fieldType(field)};`,
    ]),
    "}",
    "",
  ];
}

function fieldType(field: protobuf.Field): string {
  const { resolvedType, repeated } = field;
  if (resolvedType instanceof protobuf.Type)
    return repeated ? `readonly ${resolvedType.name}[]` : `${resolvedType.name} | undefined`;
  if (repeated && field.parent && VALUE_CARRIERS.has(field.parent.name)) {
    if (field.type === "float") return "Float32Array";
    if (field.type === "double") return "Float64Array";
  }
  const single = resolvedType instanceof protobuf.Enum ? enumName(resolvedType) : SCALAR_TYPES[field.type];
  if (single === undefined) throw new Error(`${field.fullName}: no TypeScript type for ${field.type}`);
  return repeated ? `readonly ${single}[]` : single;
}

function commentLines(comment: string | null, indent: string): string[] {
  if (!comment) return [];
  const lines = comment.replaceAll("*/", "* /").split("\n");
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`];
}

/** Writes beside the file and renames, so that the file is always whole. */
function replaceFile(path: string, text: string): void {
  const beside = `${path}.${process.pid}.tmp`;
  const handle = openSync(beside, "w");
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(beside, path);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  for (const name of SCHEMAS)
    replaceFile(
      `proto/generated/${name}.ts`,
      generateTypes(name, readFileSync(`proto/${name}.proto`, "utf8")),
    );
