import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { distinctNames } from "../../proto/words/by-place.js";
import { quoted } from "../../proto/words/names.js";
import { BFLOAT16, FLOAT16, FLOAT32, FLOAT64, float32Of, type NumberLayout } from "../numbers.js";
import { fillsShape, type WeightBlob, type WeightSet } from "./weight-set.js";

/** The format's own limit on its header. */
const LONGEST_HEADER = 100_000_000;
const ALIGNMENT = 8;

/** The format's types of numbers that are read; all are little-endian. */
const DTYPES: ReadonlyMap<unknown, NumberLayout> = new Map<unknown, NumberLayout>([
  ["F64", { is: "float", bytes: 8, layout: FLOAT64 }],
  ["F32", { is: "float", bytes: 4, layout: FLOAT32 }],
  ["F16", { is: "float", bytes: 2, layout: FLOAT16 }],
  ["BF16", { is: "float", bytes: 2, layout: BFLOAT16 }],
  ...([1, 2, 4, 8] as const).flatMap((bytes): [string, NumberLayout][] => [
    [`I${8 * bytes}`, { is: "integer", bytes, signed: true }],
    [`U${8 * bytes}`, { is: "integer", bytes, signed: false }],
  ]),
]);

/** One tensor's entry in the header, once checked. */
interface Entry {
  readonly name: string;
  readonly numbers: NumberLayout;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** The length of the header of a safetensors file, where bytes begin with a plausible one. */
function safetensorsHeader(bytes: Uint8Array): number | undefined {
  if (bytes.length < 9) return undefined;
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return length >= 2 && length <= LONGEST_HEADER ? length : undefined;
}

/** Whether bytes begin as a safetensors file does: a plausible header length, then a JSON object. */
export const looksLikeSafetensors = (bytes: Uint8Array): boolean =>
  safetensorsHeader(bytes) !== undefined && bytes[8] === 0x7b;

/**
 * Decodes a `.safetensors` file whose tensors are named `<layer>/<index>`, as `encodeSafetensors` names them.
 * Layer types, and names that several layers have, come from the metadata; numbers of other types than F32 are converted to
 * float32. Those that are float32 and aligned, as most are, stay where they lie: nobody else may write to `bytes`.
 *
 * @param what what the user called it, for messages
 * @throws CortadoError when the header is not sound: out of bounds, overlapping, with holes, of an unknown dtype
 */
export function decodeSafetensors(bytes: Uint8Array, what: string): WeightSet {
  const length = safetensorsHeader(bytes) ?? damaged(what, "its header has no proper length");
  if (8 + length > bytes.length) damaged(what, "its header is cut short");
  const header = parseHeader(bytes.subarray(8, 8 + length), what);
  const body = bytes.subarray(8 + length);
  const metadata = metadataOf(header, what);
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]) => checkEntry(name, value, body.length, what));
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (entry.from < end) damaged(what, `tensor ${quoted(entry.name)} overlaps another`);
    if (entry.from > end) damaged(what, `there are bytes of no tensor before ${quoted(entry.name)}`);
    end = entry.to;
  }
  if (entries.length === 0)
    throw userError(`${what} holds no weights`, "a .safetensors file of weights has tensors <layer>/<index>");
  if (end !== body.length) damaged(what, `its tensors end at byte ${end} of their ${body.length}`);
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
      const missing = Array.from(blobs).indexOf(undefined);
      if (missing !== -1) damaged(what, `layer ${quoted(key)} has no tensor ${missing}`);
      return {
        name: metadata.get(`name:${key}`) ?? key,
        type: metadata.get(`type:${key}`) ?? "",
        blobs: blobs as WeightBlob[],
      };
    }),
  };
}

function damaged(what: string, why: string): never {
  throw userError(`${what} is not a sound safetensors file: ${why}`);
}

const METADATA = "__metadata__";

function parseHeader(bytes: Uint8Array, what: string): Record<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch {
    return damaged(what, "its header is no JSON object");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    return damaged(what, "its header is no JSON object");
  const twice = repeatedKey(text);
  if (twice !== undefined) damaged(what, `its header says ${quoted(twice)} twice`);
  return header as Record<string, unknown>;
}

/** A key that stands twice in one object of a JSON text: its parser takes the last one. */
function repeatedKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  for (const [token, key] of text.matchAll(/"((?:[^"\\]|\\.)*)"\s*:|"(?:[^"\\]|\\.)*"|[{}]/gs)) {
    if (token === "{") objects.push(new Set());
    else if (token === "}") objects.pop();
    else if (key !== undefined) {
      const name = JSON.parse(`"${key}"`) as string;
      if (objects.at(-1)?.has(name)) return name;
      objects.at(-1)?.add(name);
    }
  }
  return undefined;
}

function metadataOf(header: Record<string, unknown>, what: string): ReadonlyMap<string, string> {
  const metadata = Object.hasOwn(header, METADATA) ? header[METADATA] : {};
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))
    return damaged(what, `its ${METADATA} is no object`);
  return new Map(
    Object.entries(metadata).map(([name, value]) =>
      typeof value === "string" ? [name, value] : damaged(what, `its metadata ${quoted(name)} is no text`),
    ),
  );
}

function checkEntry(name: string, value: unknown, bodyLength: number, what: string): Entry {
  const fail = (why: string): never => damaged(what, `tensor ${quoted(name)} ${why}`);
  if (typeof value !== "object" || value === null) fail("has no description");
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype !== "string") return fail("has no proper dtype");
  const numbers =
    DTYPES.get(dtype) ?? fail(`has dtype ${quoted(dtype)}; ${[...DTYPES.keys()].join(", ")} can be read`);
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
  if (!fillsShape((to - from) / numbers.bytes, shape as number[]))
    fail(`has ${to - from} bytes of ${dtype} for its shape ${showShape(shape as number[])}`);
  return { name, numbers, shape: shape as number[], from, to };
}

const valuesOf = ({ numbers, from, to }: Entry, body: Uint8Array): Float32Array =>
  float32Of(body.subarray(from, to), numbers) ?? new Float32Array(0);

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
  header[METADATA] = metadata;
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const head = new Uint8Array(8 + padded).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(text, 8);
  return [head, ...tensors];
}
