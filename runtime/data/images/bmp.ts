import { userError } from "../../../proto/errors/index.js";
import { type BmpHeader, CODINGS, CUT, readBmpHeader } from "./bmp-header.js";
import { readerOf } from "./bytes.js";
import { type ColorMode, checkExtents, gray14, type Pixels, toPlanes } from "./pixels.js";

/**
 * A Windows or OS/2 bitmap, as OpenCV reads it: 1, 4, 8 bits with a palette, plain or run-length coded; 15, 16, 24, 32.
 *
 * @throws CortadoError for others, and where pixels are missing
 */
export function decodeBmp(file: Uint8Array, mode: ColorMode): Pixels {
  const header = readBmpHeader(file);
  checkExtents(header.width, header.height);
  const isCoded = header.coding === CODINGS.rle4 || header.coding === CODINGS.rle8;
  // What the header claims and the file does not have is refused before memory is taken.
  if (!isCoded && header.pixels + pitchOf(header) * header.height > file.length) throw userError(CUT);
  const masks = mode === "native" ? header.masks : undefined;
  const colors = isCoded ? coded(file, header) : plain(file, header, masks);
  const { height, width, stored } = header;
  const data = new Uint8Array(colors.length * stored);
  for (let row = 0; row < height; row++) {
    let at = (header.isBottomUp ? height - 1 - row : row) * width * stored;
    for (const color of colors.subarray(row * width, (row + 1) * width)) {
      if (stored > 1) {
        data[at++] = color >>> 16;
        data[at++] = color >>> 8;
      }
      data[at++] = color;
      if (stored === 4) data[at++] = color >>> 24;
    }
  }
  const pixels = { height, width, stored, data, gray: gray14 };
  // OpenCV takes OS/2's bitmaps for grey.
  if (!header.isOs2 || mode !== "native") return pixels;
  return { ...pixels, stored: 1, data: toPlanes(pixels, "gray").data };
}

/** Bits that a pixel takes in the file, and bytes of a row. */
const stepOf = ({ bits }: BmpHeader): number => (bits === 15 ? 16 : bits);
const pitchOf = (header: BmpHeader): number => 4 * Math.ceil((header.width * stepOf(header)) / 32);

/** Colours as alpha, red, green and blue in one number, row by row as the file has them. */
function plain(file: Uint8Array, header: BmpHeader, masks: readonly number[] | undefined): Uint32Array {
  const { width, height, pixels } = header;
  const colorAt = readColors(file, header, masks);
  const out = new Uint32Array(width * height);
  const pitch = pitchOf(header);
  const step = stepOf(header);
  for (let row = 0, to = 0; row < height; row++)
    for (let x = 0; x < width; x++, to++)
      out[to] = colorAt(pixels + row * pitch + Math.floor((x * step) / 8), x);
  return out;
}

/** How the colour of the byte at a place, of the pixel at a column, is read. */
function readColors(
  file: Uint8Array,
  { bits, palette }: BmpHeader,
  masks: readonly number[] | undefined,
): (at: number, x: number) => number {
  const read = readerOf(file, true);
  const word = (at: number): number => read.u16(at);
  if (masks) return (at) => heeding(masks, read.u32(at));
  switch (bits) {
    case 32:
      return (at) => read.u32(at);
    case 24:
      return (at) => read.u16(at) + read.u8(at + 2) * 65536;
    case 16:
      return (at) => rgb(word(at) >> 8, (word(at) >> 3) & 0xfc, word(at) << 3);
    case 15:
      return (at) => rgb(word(at) >> 7, (word(at) >> 2) & 0xf8, word(at) << 3);
    default:
      return (at, x) => palette[(read.u8(at) >> (8 - bits - ((x * bits) & 7))) & ((1 << bits) - 1)];
  }
}

const rgb = (red: number, green: number, blue: number): number =>
  ((red & 0xf8) << 16) | (green << 8) | (blue & 0xf8);

/** Red, green, blue and alpha where their masks are, not brought to 8 bits; nothing transparent without a mask. */
function heeding(masks: readonly number[], color: number): number {
  const [red, green, blue, alpha] = masks.map((mask) =>
    mask === 0 ? 255 : ((color & mask) >>> (31 - Math.clz32(mask & -mask))) & 255,
  );
  return (alpha * 65536 + red * 256 + green) * 256 + blue;
}

/** Where a run-length coded picture has been painted to, and how much of the file was read. */
interface Brush {
  readonly out: Uint32Array;
  /** In `out`. */
  to: number;
  at: number;
  /** The last run ended exactly with its row, and so has the row. */
  hasEndedRow: boolean;
}

/**
 * Run-length coded rows: `count index` repeats, `0 count indices…` copies, `0 0` ends a row, `0 1` the picture, `0 2 x y`
 * moves on. What is passed over has the palette's first colour. As OpenCV has it: of 4 bits a run alternates between
 * two, a run must end with its row, and of 4 bits a move is along the row only.
 */
function coded(file: Uint8Array, header: BmpHeader): Uint32Array {
  const { width, height, palette } = header;
  const isFour = header.coding === CODINGS.rle4;
  const brush: Brush = { out: new Uint32Array(width * height), to: 0, at: header.pixels, hasEndedRow: false };
  const next = (): number => {
    if (brush.at >= file.length) throw userError(CUT);
    return file[brush.at++];
  };
  while (brush.to < brush.out.length) {
    const count = next();
    const code = next();
    if (count === 0 && code <= 2)
      move(brush, code, width, palette[0], () => next() + next() * (isFour ? 0 : width));
    else
      paint(
        brush,
        count || code,
        width,
        count > 0 ? repeating(code, isFour) : copying(next, isFour),
        palette,
      );
    // Copies take an even number of bytes.
    if (count === 0 && code > 2 && Math.ceil(code / (isFour ? 2 : 1)) % 2 === 1) next();
  }
  return brush.out;
}

const half = (byte: number, i: number): number => (i % 2 === 0 ? byte >> 4 : byte & 15);

const repeating = (code: number, isFour: boolean) => (i: number) => (isFour ? half(code, i) : code);

function copying(next: () => number, isFour: boolean): (i: number) => number {
  let byte = 0;
  return (i) => {
    if (!isFour || i % 2 === 0) byte = next();
    return isFour ? half(byte, i) : byte;
  };
}

function paint(
  brush: Brush,
  count: number,
  width: number,
  indexOf: (i: number) => number,
  palette: Uint32Array,
): void {
  const end = brush.to + count;
  const rowEnd = (Math.floor(brush.to / width) + 1) * width;
  if (end > rowEnd) throw userError("it is damaged: a run of pixels is longer than its row");
  for (let i = 0; i < count; i++) brush.out[brush.to++] = palette[indexOf(i)];
  brush.hasEndedRow = end === rowEnd;
}

function move(brush: Brush, code: number, width: number, color: number, distance: () => number): void {
  const { out, to, hasEndedRow } = brush;
  const rest = width - (to % width);
  const left = out.length - to;
  const passed = code === 0 ? (hasEndedRow ? 0 : rest) : code === 1 ? left : Math.min(distance(), left);
  out.fill(color, to, to + passed);
  brush.to += passed;
  brush.hasEndedRow = false;
}
