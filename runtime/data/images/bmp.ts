import { userError } from "../../../proto/errors/index.js";
import { readerOf } from "./bytes.js";
import { type ColorMode, checkExtents, gray14, type Pixels, toPlanes } from "./pixels.js";

const FILE_HEADER = 14;
/** OS/2's header, the shortest of Windows' that is read, and the shortest with masks that OpenCV heeds. */
const OS2 = 12;
const WINDOWS = 36;
const MASKED = 56;
const [PLAIN, RLE8, RLE4, FIELDS] = [0, 1, 2, 3] as const;

interface Header {
  readonly width: number;
  readonly height: number;
  /** Rows come from the bottom up. */
  readonly isBottomUp: boolean;
  /** Bits of a pixel; 15 for 16 of which 5 are red, green and blue. */
  readonly bits: number;
  readonly coding: number;
  /** Where the pixels begin. */
  readonly pixels: number;
  /** Blue, green, red of each colour; 1, 4 or 8 bits only. */
  readonly palette: Uint8Array;
  /** Grey or colour, and with alpha, for who wants it as it is. */
  readonly stored: 1 | 3 | 4;
  readonly isOs2: boolean;
  /** Where red, green, blue and alpha are in 32 bits, as who wants alpha too gets them. */
  readonly masks?: readonly number[];
}

/**
 * A Windows or OS/2 bitmap, as OpenCV reads it: 1, 4, 8 bits with a palette, plain or run-length coded; 15, 16, 24, 32.
 *
 * @throws CortadoError for others, and where pixels are missing
 */
export function decodeBmp(file: Uint8Array, mode: ColorMode): Pixels {
  const header = readHeader(file);
  const pixels = mode === "native" && header.masks ? masked(file, header, header.masks) : plain(file, header);
  // OpenCV takes OS/2's bitmaps for grey.
  if (!header.isOs2 || mode !== "native") return pixels;
  return { ...pixels, stored: 1, data: toPlanes(pixels, "gray").data };
}

/** Each colour where its mask is, not brought to 8 bits; nothing transparent without a mask for it. */
function masked(file: Uint8Array, header: Header, masks: readonly number[]): Pixels {
  const words = plain(file, header);
  const read = readerOf(words.data as Uint8Array, false);
  const data = Uint8Array.from(words.data, (_, i) => {
    const at = i & ~3;
    const word = read.u8(at) * 65536 + read.u8(at + 1) * 256 + read.u8(at + 2) + read.u8(at + 3) * 2 ** 24;
    const mask = masks[i & 3];
    return mask === 0 ? 255 : (word & mask) >>> (31 - Math.clz32(mask & -mask));
  });
  return { ...words, data };
}

function plain(file: Uint8Array, header: Header): Pixels {
  const { width, height, bits, coding, stored, palette } = header;
  checkExtents(width, height);
  const data = new Uint8Array(needed(file, header) * stored);
  const put = (
    row: number,
    column: number,
    blue: number,
    green: number,
    red: number,
    alpha: number,
  ): void => {
    const y = header.isBottomUp ? height - 1 - row : row;
    const at = (y * width + column) * stored;
    data[at] = stored === 1 ? blue : red;
    if (stored === 1) return;
    data[at + 1] = green;
    data[at + 2] = blue;
    if (stored === 4) data[at + 3] = alpha;
  };
  const look = (row: number, column: number, index: number): void =>
    put(row, column, palette[3 * index], palette[3 * index + 1], palette[3 * index + 2], 255);
  if (coding === RLE8 || coding === RLE4) runs(file, header, look);
  else {
    const read = readerOf(file, true);
    const pitch = pitchOf(width, bits);
    for (let row = 0; row < height; row++) {
      const line = header.pixels + row * pitch;
      for (let x = 0; x < width; x++) {
        if (bits <= 8) {
          const byte = read.u8(line + ((x * bits) >> 3));
          look(row, x, (byte >> (8 - bits - ((x * bits) & 7))) & ((1 << bits) - 1));
        } else if (bits <= 16) {
          const word = read.u16(line + 2 * x);
          const [red, green] = bits === 15 ? [word >> 7, word >> 2] : [word >> 8, word >> 3];
          put(row, x, (word << 3) & 0xf8, green & (bits === 15 ? 0xf8 : 0xfc), red & 0xf8, 255);
        } else {
          const at = line + (x * bits) / 8;
          put(row, x, read.u8(at), read.u8(at + 1), read.u8(at + 2), read.u8(at + 3));
        }
      }
    }
  }
  return { height, width, stored, data, gray: gray14 };
}

/** Bytes of a row. */
const pitchOf = (width: number, bits: number): number =>
  4 * Math.ceil((width * (bits === 15 ? 16 : bits)) / 32);

/** The number of pixels; what the header claims and the file does not have is refused before memory is taken. */
function needed(file: Uint8Array, { width, height, bits, coding, pixels }: Header): number {
  const isPlain = coding === PLAIN || coding === FIELDS;
  if (isPlain && pixels + pitchOf(width, bits) * height > file.length) throw userError(CUT);
  return width * height;
}

const CUT = "it is cut short: pixels are missing";

function readHeader(file: Uint8Array): Header {
  const read = readerOf(file, true);
  const size = read.u32(FILE_HEADER);
  if (size !== OS2 && (size < WINDOWS || size > file.length)) throw userError("its header is damaged");
  const isOs2 = size === OS2;
  const [width, tall, stated] = isOs2
    ? [read.u16(18), read.u16(20), read.u16(24)]
    : [read.u32(18) | 0, read.u32(22) | 0, read.u16(28)];
  const coding = isOs2 ? PLAIN : read.u32(30);
  const colors = isOs2 ? 0 : read.u32(46);
  const behind = FILE_HEADER + size;
  const masks = [0, 4, 8].map((at) => read.u32(behind + at)).join();
  const known =
    (coding === PLAIN && (isOs2 ? [1, 4, 8, 24, 32] : [1, 4, 8, 16, 24, 32]).includes(stated)) ||
    (coding === FIELDS && (stated === 32 || (stated === 16 && Object.hasOwn(BITS_OF_MASKS, masks)))) ||
    (coding === RLE8 && stated === 8) ||
    (coding === RLE4 && stated === 4);
  if (!known)
    throw userError(`it is a BMP of ${stated} bits in a coding (${coding}) that OpenCV does not read`);
  if (colors > 256) throw userError("its header is damaged: a palette has at most 256 colours");
  const bits = stated !== 16 ? stated : coding === FIELDS ? BITS_OF_MASKS[masks] : 15;
  const palette = new Uint8Array(3 * 256);
  if (bits <= 8) {
    const entry = isOs2 ? 3 : 4;
    const count = colors === 0 ? 1 << bits : colors;
    if (behind + count * entry > file.length) throw userError("it is cut short: its palette is not whole");
    for (let i = 0; i < count; i++)
      for (let c = 0; c < 3; c++) palette[3 * i + c] = read.u8(behind + i * entry + c);
  }
  const isGray =
    bits <= 8 && palette.subarray(0, 3 << bits).every((value, i, all) => value === all[i - (i % 3)]);
  const hasAlpha = bits === 32 && coding === FIELDS;
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
    masks:
      hasAlpha && size >= MASKED ? [0, 4, 8, 12].map((at) => read.u32(FILE_HEADER + 40 + at)) : undefined,
  };
}

/** Red, green and blue of 16 bits: those that OpenCV knows. */
const BITS_OF_MASKS: Readonly<Record<string, number>> = {
  [[0x7c00, 0x3e0, 0x1f].join()]: 15,
  [[0xf800, 0x7e0, 0x1f].join()]: 16,
};

/**
 * Run-length coded rows: `count index` repeats, `0 count indices…` copies, `0 0` ends a row, `0 1` the picture, `0 2 x y`
 * moves on. What is passed over has the palette's first colour. As OpenCV has it: of 4 bits a run alternates between
 * two, and a run must end with its row.
 */
function runs(
  file: Uint8Array,
  { width, height, coding, pixels }: Header,
  look: (row: number, column: number, index: number) => void,
): void {
  const isFour = coding === RLE4;
  let at = pixels;
  const next = (): number => {
    if (at >= file.length) throw userError(CUT);
    return file[at++];
  };
  let row = 0;
  let column = 0;
  /** A run may have ended exactly with its row, as has the row then. */
  let isRowEnded = false;
  const step = (index: number): void => {
    look(row, column++, index);
    if (column < width) return;
    column = 0;
    row++;
  };
  const skip = (count: number): void => {
    for (let left = count; left > 0 && row < height; left--) step(0);
  };
  const inRow = (count: number): void => {
    if (column + count > width) throw userError("it is damaged: a run of pixels is longer than its row");
  };
  while (row < height) {
    const count = next();
    const code = next();
    const before = row;
    if (count > 0) {
      inRow(count);
      for (let i = 0; i < count; i++) step(isFour ? (i % 2 === 0 ? code >> 4 : code & 15) : code);
      isRowEnded = row > before;
    } else if (code > 2) {
      inRow(code);
      const bytes = isFour ? Math.ceil(code / 2) : code;
      for (let i = 0, byte = 0; i < code; i++) {
        if (!isFour || i % 2 === 0) byte = next();
        step(isFour ? (i % 2 === 0 ? byte >> 4 : byte & 15) : byte);
      }
      if (bytes % 2 === 1) next();
      isRowEnded = row > before;
    } else {
      const rest = width - column;
      if (code === 0 && !(isRowEnded && column === 0)) skip(rest);
      if (code === 1) skip(rest + (height - row) * width);
      if (code === 2) {
        const right = next();
        const down = next();
        // Of 4 bits OpenCV moves along the row only.
        skip(right + (isFour ? 0 : down * width));
      }
      isRowEnded = false;
    }
  }
}
