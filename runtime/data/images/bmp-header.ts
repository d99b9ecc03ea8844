import { userError } from "../../../proto/errors/index.js";
import { type ByteReader, readerOf } from "./bytes.js";

export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Rows come from the bottom up. */
  readonly isBottomUp: boolean;
  /** Bits of a pixel; 15 for 16 of which 5 are red, green and blue. */
  readonly bits: number;
  readonly coding: number;
  /** Where the pixels begin. */
  readonly pixels: number;
  /** Red, green and blue of each index, in one number; of 1, 4 or 8 bits only. */
  readonly palette: Uint32Array;
  /** Grey or colour, and with alpha, for who wants it as it is. */
  readonly stored: 1 | 3 | 4;
  readonly isOs2: boolean;
  /** Where red, green, blue and alpha are in 32 bits, as who wants alpha too gets them. */
  readonly masks?: readonly number[];
}

export const CODINGS = { plain: 0, rle8: 1, rle4: 2, fields: 3 } as const;
export const CUT = "it is cut short: pixels are missing";

const FILE_HEADER = 14;
/** OS/2's header, the shortest of Windows' that is read, and the shortest with masks that OpenCV heeds. */
const OS2 = 12;
const WINDOWS = 36;
const MASKED = 56;
/** Where masks stand. */
const MASKS = FILE_HEADER + 40;

/** @throws CortadoError for kinds that OpenCV does not read */
export function readBmpHeader(file: Uint8Array): BmpHeader {
  const read = readerOf(file, true);
  const size = read.u32(FILE_HEADER);
  const isOs2 = size === OS2;
  if (!isOs2 && (size < WINDOWS || size > file.length)) throw userError("its header is damaged");
  const behind = FILE_HEADER + size;
  const [width, tall, stated, coding, colors] = isOs2
    ? [read.u16(18), read.u16(20), read.u16(24), CODINGS.plain, 0]
    : [read.u32(18) | 0, read.u32(22) | 0, read.u16(28), read.u32(30), read.u32(46)];
  const bits = bitsOf(stated, coding, isOs2, [0, 4, 8].map((at) => read.u32(behind + at)).join());
  if (bits === undefined)
    throw userError(`it is a BMP of ${stated} bits in a coding (${coding}) that OpenCV does not read`);
  const palette = bits <= 8 ? paletteOf(read, behind, colors || 1 << bits, isOs2 ? 3 : 4) : new Uint32Array();
  const isGray =
    bits <= 8 && palette.subarray(0, 1 << bits).every((color) => color === (color & 255) * 0x10101);
  const hasAlpha = bits === 32 && coding === CODINGS.fields;
  return {
    width,
    height: Math.abs(tall),
    isBottomUp: tall > 0,
    bits,
    coding,
    pixels: read.u32(10),
    palette,
    stored: isGray ? 1 : hasAlpha ? 4 : 3,
    isOs2,
    masks: hasAlpha && size >= MASKED ? [0, 4, 8, 12].map((at) => read.u32(MASKS + at)) : undefined,
  };
}

/** Bits of a pixel where OpenCV reads it: 15 for 5 of each colour. */
function bitsOf(stated: number, coding: number, isOs2: boolean, masks: string): number | undefined {
  switch (coding) {
    case CODINGS.plain:
      if (stated === 16) return isOs2 ? undefined : 15;
      return [1, 4, 8, 24, 32].includes(stated) ? stated : undefined;
    case CODINGS.fields:
      return stated === 32 ? 32 : stated === 16 ? BITS_OF_MASKS.get(masks) : undefined;
    case CODINGS.rle8:
      return stated === 8 ? 8 : undefined;
    case CODINGS.rle4:
      return stated === 4 ? 4 : undefined;
    default:
      return undefined;
  }
}

/** Red, green and blue of 16 bits. */
const BITS_OF_MASKS: ReadonlyMap<string, number> = new Map([
  [[0x7c00, 0x3e0, 0x1f].join(), 15],
  [[0xf800, 0x7e0, 0x1f].join(), 16],
]);

function paletteOf(read: ByteReader, start: number, count: number, entry: number): Uint32Array {
  if (count > 256) throw userError("its header is damaged: a palette has at most 256 colours");
  if (start + count * entry > read.length) throw userError("it is cut short: its palette is not whole");
  const palette = new Uint32Array(256);
  for (let i = 0; i < count; i++)
    palette[i] = read.u16(start + i * entry) + read.u8(start + i * entry + 2) * 65536;
  return palette;
}
