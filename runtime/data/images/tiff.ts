import { userError } from "../../../proto/errors/index.js";
import { type Directory, directoryOf } from "./bytes.js";

/** What a TIFF's first directory says that its decoder must know. */
export interface TiffHeader {
  readonly width: number;
  readonly height: number;
  readonly kind: "gray" | "rgb" | "inks";
  /** 16 bits a sample. */
  readonly isDeep: boolean;
  /** 1 to 8, as EXIF counts. */
  readonly orientation: number;
  /** Colours are not yet multiplied by the alpha channel beside them: libtiff does it for OpenCV. */
  readonly isUnmultiplied: boolean;
  /** Where the file says that they are, for libvips would undo it. */
  readonly multipliedAt?: number;
}

const TAGS = {
  width: 0x100,
  height: 0x101,
  bits: 0x102,
  compression: 0x103,
  photometric: 0x106,
  orientation: 0x112,
  channels: 0x115,
  tileWidth: 0x142,
  tileHeight: 0x143,
  extra: 0x152,
  format: 0x153,
} as const;

const JPEG = 7;
const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, , INKS, YCBCR] = [0, 1, 2, 3, 4, 5, 6] as const;
const MULTIPLIED = 1;
const UNMULTIPLIED = 2;

/** Reads it. @throws CortadoError for kinds of TIFF that OpenCV does not read, or that are not read as it does */
export function readTiffHeader(file: Uint8Array): TiffHeader {
  const directory = directoryOf(file);
  if (!directory) throw userError("it has no directory");
  const value = (tag: number, otherwise: number): number => valuesOf(directory, tag)[0] ?? otherwise;
  const bits = valuesOf(directory, TAGS.bits);
  const depth = bits[0] ?? 1;
  const photometric = value(TAGS.photometric, BLACK_IS_ZERO);
  const format = value(TAGS.format, 1);
  const kind = kindOf(photometric, value(TAGS.compression, 1));
  if (kind === undefined)
    throw userError(`it is a TIFF in a colour space (${photometric}) that is not read`, SAVE_AS);
  const depths = photometric === PALETTE || kind !== "gray" ? [8] : [1, 8];
  const isDeep = depth === 16 && photometric !== PALETTE && kind !== "inks";
  if (format !== 1 || !(isDeep || depths.includes(depth)) || bits.some((other) => other !== depth))
    throw userError(
      `it is a TIFF with samples of ${[...new Set(bits)].join(", ") || "1"} bits${FORMATS[format] ?? ""}: those of 8 or 16 bits are read`,
      SAVE_AS,
    );
  const extra = directory.entries.get(TAGS.extra);
  const alpha = extra && directory.reader.u16(extra.at);
  return {
    width: Math.max(value(TAGS.width, 0), value(TAGS.tileWidth, 0)),
    height: Math.max(value(TAGS.height, 0), value(TAGS.tileHeight, 0)),
    kind,
    isDeep,
    orientation: value(TAGS.orientation, 1),
    isUnmultiplied: alpha === UNMULTIPLIED,
    multipliedAt: alpha === MULTIPLIED ? extra?.at : undefined,
  };
}

const SAVE_AS = "save it as PNG";
const FORMATS: Readonly<Record<number, string>> = {
  2: " with a sign",
  3: " (floats)",
  5: " (complex)",
  6: " (complex)",
};

function kindOf(photometric: number, compression: number): TiffHeader["kind"] | undefined {
  if (photometric === WHITE_IS_ZERO || photometric === BLACK_IS_ZERO) return "gray";
  if (photometric === RGB || photometric === PALETTE) return "rgb";
  if (photometric === INKS && compression !== JPEG) return "inks";
  // As a JPEG inside, where the decoder converts it.
  return photometric === YCBCR && compression === JPEG ? "rgb" : undefined;
}

/** A tag's values, of 16 or 32 bits; few are wanted of any. */
function valuesOf({ reader, entries }: Directory, tag: number): readonly number[] {
  const entry = entries.get(tag);
  if (!entry) return [];
  const read = entry.isShort ? reader.u16 : reader.u32;
  const step = entry.isShort ? 2 : 4;
  return Array.from({ length: Math.min(entry.count, MOST_VALUES) }, (_, i) => read(entry.at + i * step));
}

const MOST_VALUES = 8;

/** The file, or the same without the word that its colours are multiplied by alpha: then they stay as they are. */
export function asStored(file: Uint8Array, { multipliedAt }: TiffHeader): Uint8Array {
  if (multipliedAt === undefined) return file;
  const copy = new Uint8Array(file);
  copy[multipliedAt] = 0;
  copy[multipliedAt + 1] = 0;
  return copy;
}

/** Red, green, blue and alpha, the first three multiplied by the last as libtiff does it. */
export function multiplied(samples: Uint8Array): Uint8Array {
  const out = new Uint8Array(samples);
  for (let i = 0; i < out.length; i += 4)
    for (let c = 0; c < 3; c++) out[i + c] = Math.floor((samples[i + c] * samples[i + 3] + 127) / 255);
  return out;
}
