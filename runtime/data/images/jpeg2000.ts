import { createRequire } from "node:module";
import { userError } from "../../../proto/errors/index.js";
import { visibleLines } from "../../../proto/words/names.js";
import { readerOf } from "./bytes.js";
import { type ColorMode, checkExtents, firstChannel, gray15, type Pixels } from "./pixels.js";

/** What is used of OpenJPEG's build for WebAssembly. */
interface Codec {
  readonly J2KDecoder: new () => Decoder;
  readonly HEAPU8: Uint8Array;
}
interface Decoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}
type MakeCodec = (options: { print(line: string): void; printErr(line: string): void }) => Promise<Codec>;

/** Its decoder holds 32 bits of each sample in the 2 GiB that it can address. */
const MOST_PIXELS = 2 ** 25;
/** Memory that WebAssembly has taken cannot be given back; above this the decoder is thrown away with it. */
const LARGEST_KEPT = 2 ** 26;

/** Decoded sizes of a codestream, from its SIZ segment. */
interface Size {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly bits: number;
}

const SIZ = 0xff51;
const [SRGB, GRAY, YCC] = [16, 17, 18] as const;

/**
 * JPEG 2000, as OpenCV reads it: grey or colour, of 8 to 16 bits, in a JP2 file or bare.
 *
 * @throws CortadoError for other kinds, and where it is damaged
 */
export async function decodeJpeg2000(file: Uint8Array, mode: ColorMode): Promise<Pixels> {
  const { codestream, space } = unpack(file);
  const { width, height, components, bits } = readSize(codestream);
  checkExtents(width, height, MOST_PIXELS);
  const decoded = await decode(codestream);
  const count = width * height * components;
  const isDeep = bits > 8;
  if (decoded.length !== count * (isDeep ? 2 : 1)) throw userError("it is damaged");
  const data = isDeep ? new Uint16Array(decoded.buffer, decoded.byteOffset, count) : decoded;
  const frame = { height, width, stored: components };
  const narrow = isDeep ? (sample: number) => sample >> (bits - 8) : undefined;
  if (space === YCC && components === 3 && mode === "gray")
    return firstChannel({ ...frame, data, narrow, gray: gray15 });
  if (space === YCC && components === 3) return ofBrightness({ ...frame, data, narrow, gray: gray15 });
  return {
    ...frame,
    data,
    narrow,
    gray: narrow ? (r, g, b) => gray15(narrow(r), narrow(g), narrow(b)) : gray15,
  };
}

/** The codestream of a JP2 file, and its colour space by number. */
function unpack(file: Uint8Array): { readonly codestream: Uint8Array; readonly space?: number } {
  const read = readerOf(file, false);
  if (read.u16(2) === SIZ) return { codestream: file };
  let space: number | undefined;
  const boxes = (from: number, to: number): Uint8Array | undefined => {
    for (let at = from; at + 8 <= to; ) {
      const short = read.u32(at);
      const type = read.text(at + 4, 4);
      const head = short === 1 ? 16 : 8;
      const length = short === 1 ? read.u32(at + 8) * 2 ** 32 + read.u32(at + 12) : short || to - at;
      if (length < head) break;
      const end = Math.min(to, at + length);
      if (type === "jp2c") return file.subarray(at + head, end);
      if (type === "jp2h") boxes(at + head, end);
      if (type === "pclr") throw userError("it is a JPEG 2000 with a palette", SAVE_AS);
      if (type === "colr" && read.u8(at + head) === 1) space ??= read.u32(at + head + 3);
      at += length;
    }
    return undefined;
  };
  const codestream = boxes(0, file.length);
  if (!codestream) throw userError("it is damaged: it holds no picture");
  if (space !== undefined && ![SRGB, GRAY, YCC].some((known) => known === space))
    throw userError(`it is a JPEG 2000 in a colour space (${space}) that OpenCV does not read`, SAVE_AS);
  return { codestream, space };
}

const SAVE_AS = "save it as PNG";

function readSize(codestream: Uint8Array): Size {
  const read = readerOf(codestream, false);
  if (read.u16(0) !== 0xff4f || read.u16(2) !== SIZ) throw userError("it is damaged: its header is missing");
  const [x1, y1, x0, y0] = [8, 12, 16, 20].map((at) => read.u32(at));
  const components = read.u16(40);
  const parts = Array.from({ length: Math.min(components, 4) }, (_, i) => {
    const at = 42 + 3 * i;
    return { bits: (read.u8(at) & 0x7f) + 1, isSigned: read.u8(at) > 0x7f, steps: read.u16(at + 1) };
  });
  const [first] = parts;
  if (components !== 1 && components !== 3)
    throw userError(`it is a JPEG 2000 of ${components} components: those of 1 or 3 are read`, SAVE_AS);
  if (parts.some(({ bits, isSigned, steps }) => isSigned || steps !== 0x0101 || bits !== first.bits))
    throw userError("it is a JPEG 2000 whose components have signs or differ in size or depth", SAVE_AS);
  if (first.bits < 8 || first.bits > 16)
    throw userError(`it is a JPEG 2000 of ${first.bits} bits: those of 8 to 16 are read`, SAVE_AS);
  return { width: x1 - x0, height: y1 - y0, components, bits: first.bits };
}

let kept: Promise<Codec> | undefined;
/** What the decoder complains of; it decodes one picture at a time. */
let complaints: string[] = [];

/** The samples of a codestream, interleaved. */
async function decode(codestream: Uint8Array): Promise<Uint8Array> {
  // Loaded on first use: few nets see one.
  kept ??= (createRequire(import.meta.url)("@cornerstonejs/codec-openjpeg/decodewasmjs") as MakeCodec)({
    print: (line) => complaints.push(line),
    printErr: (line) => complaints.push(line),
  });
  const codec = await kept;
  complaints = [];
  try {
    const decoder = new codec.J2KDecoder();
    decoder.getEncodedBuffer(codestream.length).set(codestream);
    decoder.decode();
    const found = new Uint8Array(decoder.getDecodedBuffer());
    decoder.delete();
    const trouble = complaints.find((line) => /ERROR|WARN/.test(line));
    if (trouble !== undefined || found.length === 0)
      throw userError(
        `it is damaged: ${visibleLines(trouble ?? "it holds no picture").replace(/^\[\w+\] /, "")}`,
      );
    if (codec.HEAPU8.length > LARGEST_KEPT) kept = undefined;
    return found;
  } catch (error) {
    // Whatever it threw, a number or a trap of WebAssembly, it is not to be used again.
    if (typeof error !== "number" && !(error instanceof Error && error.name === "RuntimeError")) throw error;
    kept = undefined;
    throw userError("it is damaged");
  }
}

/** OpenCV takes brightness and two differences of colour for its own YUV; grey is the first. */
function ofBrightness(pixels: Pixels): Pixels {
  const { data, narrow = (sample: number) => sample } = pixels;
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const [y, u, v] = [narrow(data[i]), narrow(data[i + 1]) - 128, narrow(data[i + 2]) - 128];
    out[i] = clamp(y + rounded(v * 18678));
    out[i + 1] = clamp(y + rounded(u * -6472 + v * -9519));
    out[i + 2] = clamp(y + rounded(u * 33292));
  }
  return { ...pixels, data: out, narrow: undefined };
}

const rounded = (value: number): number => (value + 8192) >> 14;
const clamp = (value: number): number => Math.min(255, Math.max(0, value));
