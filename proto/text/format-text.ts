/** Messages to the text format, for people to read and for `parseNet` and Caffe to read again. */
import { type FieldInfo, floatValue, infoOf, type Message, type NetParameter } from "../index.js";

const LARGEST_INT64 = 9223372036854775807n;

/** The prototxt of a net in the current format. Reading it gives the same net. */
export function formatNet(net: NetParameter): string {
  return formatMessage(net);
}

/** The text of any message: its given fields in ascending order of number, two spaces a level. */
export function formatMessage(message: Message): string {
  const lines: string[] = [];
  writeFields(message, "", lines);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function writeFields(message: Message, indent: string, lines: string[]): void {
  const record = message as unknown as Readonly<Record<string, unknown>>;
  for (const field of inReadingOrder(infoOf(message).fields)) {
    if (!Object.hasOwn(message, field.name)) continue;
    const value = record[field.name];
    if (value === undefined) continue;
    for (const item of field.repeated ? (value as Iterable<unknown>) : [value])
      writeField(field, item, indent, lines);
  }
}

/** Layers last, so that what concerns the whole net stands at its head. */
function inReadingOrder(fields: readonly FieldInfo[]): readonly FieldInfo[] {
  const isLayers = (field: FieldInfo): boolean => field.name === "layers" || field.name === "layer";
  return fields.some(isLayers)
    ? [...fields.filter((field) => !isLayers(field)), ...fields.filter(isLayers)]
    : fields;
}

function writeField(field: FieldInfo, value: unknown, indent: string, lines: string[]): void {
  const { kind, name } = field;
  switch (kind.is) {
    case "message":
      lines.push(`${indent}${name} {`);
      writeFields(value as Message, `${indent}  `, lines);
      lines.push(`${indent}}`);
      return;
    case "enum":
      lines.push(`${indent}${name}: ${value}`);
      return;
    case "scalar":
      lines.push(`${indent}${name}: ${scalarText(kind.scalar, value)}`);
      return;
    default:
      kind satisfies never;
  }
}

function scalarText(scalar: string, value: unknown): string {
  if (typeof value === "string") return quoteText(value);
  if (value instanceof Uint8Array) return quoteBytes(value);
  if (typeof value !== "number") return String(value);
  if (scalar === "int64") {
    const exact = BigInt(value);
    return String(exact > LARGEST_INT64 ? LARGEST_INT64 : exact);
  }
  return numberText(scalar === "float" ? floatValue(value) : value);
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  // Without an exponent the text would be read as an integer, and those have a limit.
  return Math.abs(value) >= 1e15 ? value.toExponential() : String(value);
}

const NAMED: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  '"': '\\"',
  "\\": "\\\\",
};

function quoteText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be escaped
  return `"${text.replace(/[\u0000-\u001f"\\\u007f]/g, (found) => NAMED[found] ?? octal(found.charCodeAt(0)))}"`;
}

function quoteBytes(bytes: Uint8Array): string {
  const parts = Array.from(bytes, (byte) => {
    const letter = String.fromCharCode(byte);
    return NAMED[letter] ?? (byte >= 0x20 && byte < 0x7f ? letter : octal(byte));
  });
  return `"${parts.join("")}"`;
}

/** Always three digits, so that a digit after it is not taken for a part of it. */
const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, "0")}`;
