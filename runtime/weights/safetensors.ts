import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { distinctNames } from "../../proto/words/by-place.js";
import { quoted } from "../../proto/words/names.js";
import { fillsShape, type WeightBlob, type WeightSet } from "./weight-set.js";

/** The format's own limit on its header. */
const LONGEST_HEADER = 100_000_000;
const ALIGNMENT = 8;

/** One tensor's entry in the header, once checked. */
interface Entry {
  readonly name: string;
  readonly dtype: "F32" | "F64";
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** Whether bytes begin as a safetensors file does: a plausible header length, then a JSON object. */
export function looksLikeSafetensors(bytes: Uint8Array): boolean {
  return headerLength(bytes) !== undefined && bytes[8] === 0x7b;
}

function headerLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < 9) return undefined;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return length >= 2 && length <= LONGEST_HEADER ? length : undefined;
}

/**
 * Decodes a `.safetensors` file whose tensors are named `<layer>/<index>`, as `encodeSafetensors` names them.
 * Layer types, and names that several layers have, come from the metadata; F64 is rounded to float32.
 *
 * @param what what the user called it, for messages
 * @throws CortadoError when the header is not sound: out of bounds, overlapping, of another dtype
 */
export function decodeSafetensors(bytes: Uint8Array, what: string): WeightSet {
  const length = headerLength(bytes) ?? damaged(what, "its header has no proper length");
  if (8 + length > bytes.length) damaged(what, "its header is cut short");
  const header = parseHeader(bytes.subarray(8, 8 + length), what);
  const body = bytes.subarray(8 + length);
  const metadata = (header["__metadata__"] ?? {}) as Record<string, unknown>;
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => checkEntry(name, value, body.length, what));
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (entry.from < end) damaged(what, `tensor ${quoted(entry.name)} overlaps another`);
    end = entry.to;
  }
  if (entries.length === 0)
    throw userError(`${what} holds no weights`, "a .safetensors file of weights has tensors <layer>/<index>");
  const layers = new Map<string, (WeightBlob | undefined)[]>();
  for (const entry of entries) {
    const [, layer, index] =
      /^(.*)\/(0|[1-9]\d{0,3})$/s.exec(entry.name) ??
      damaged(what, `tensor ${quoted(entry.name)} is not named <layer>/<index>`);
    const blobs = layers.get(layer) ?? [];
    blobs[Number(index)] = { shape: entry.shape, data: valuesOf(entry, body) };
    layers.set(layer, blobs);
  }
  return {
    layers: [...layers].map(([key, blobs]) => {
      const said = (of: string): string | undefined =>
        Object.hasOwn(metadata, `${of}:${key}`) ? String(metadata[`${of}:${key}`]) : undefined;
      const missing = Array.from(blobs).indexOf(undefined);
      if (missing !== -1) damaged(what, `layer ${quoted(key)} has no tensor ${missing}`);
      return { name: said("name") ?? key, type: said("type") ?? "", blobs: blobs as WeightBlob[] };
    }),
  };
}

function damaged(what: string, why: string): never {
  throw userError(`${what} is not a sound safetensors file: ${why}`);
}

function parseHeader(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof header === "object" && header !== null && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  return damaged(what, "its header is no JSON object");
}

function checkEntry(name: string, value: unknown, bodyLength: number, what: string): Entry {
  const fail = (why: string): never => damaged(what, `tensor ${quoted(name)} ${why}`);
  if (typeof value !== "object" || value === null) fail("has no description");
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (dtype !== "F32" && dtype !== "F64")
    return fail(`has dtype ${quoted(String(dtype))}; F32 and F64 can be read`);
  if (!Array.isArray(shape) || !shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    return fail("has no proper shape");
  if (
    !Array.isArray(offsets) ||
    offsets.length !== 2 ||
    !offsets.every((offset) => Number.isSafeInteger(offset))
  )
    return fail("has no proper data_offsets");
  const [from, to] = offsets as [number, number];
  if (from < 0 || to < from || to > bodyLength) fail("lies outside the file");
  if (!fillsShape((to - from) / (dtype === "F32" ? 4 : 8), shape as number[]))
    fail(`has ${to - from} bytes of ${dtype} for its shape ${showShape(shape as number[])}`);
  return { name, dtype, shape: shape as number[], from, to };
}

/** A copy, since the body need not be aligned. (A Buffer's own `slice` would not copy.) */
function valuesOf({ dtype, from, to }: Entry, body: Uint8Array): Float32Array {
  const copy = Uint8Array.prototype.slice.call(body, from, to);
  return dtype === "F32" ? new Float32Array(copy.buffer) : Float32Array.from(new Float64Array(copy.buffer));
}

/**
 * Encodes weights as float32 tensors named `<layer>/<index>`; types of layers go into the metadata, and the names of those
 * whose name another one has. The pieces together are the file; values are not copied.
 */
export function encodeSafetensors(weights: WeightSet): readonly Uint8Array[] {
  // Without a prototype, so that a layer named `__proto__` is a key like any other.
  const header: Record<string, unknown> = Object.create(null);
  const metadata: Record<string, string> = Object.create(null);
  const tensors: Uint8Array[] = [];
  let at = 0;
  const keys = distinctNames(weights.layers.map(({ name }) => name));
  for (const [place, { name, type, blobs }] of weights.layers.entries()) {
    const key = keys[place];
    if (type !== "") metadata[`type:${key}`] = type;
    if (key !== name) metadata[`name:${key}`] = name;
    for (const [index, { shape, data }] of blobs.entries()) {
      header[`${key}/${index}`] = { dtype: "F32", shape, data_offsets: [at, at + data.byteLength] };
      tensors.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      at += data.byteLength;
    }
  }
  header["__metadata__"] = metadata;
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const head = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(text, 8);
  return [head, ...tensors];
}
