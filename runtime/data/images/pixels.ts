import { userError } from "../../../proto/errors/index.js";
import { grouped } from "../../../proto/words/amounts.js";

/** How a file's pixels are wanted: as they are, as colour, or as one grey channel. */
export type ColorMode = "native" | "color" | "gray";

export interface DecodedImage {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** channels × height × width; colours in the order blue, green, red (then alpha) */
  readonly data: Uint8Array;
}

/** A file's pixels as its decoder gives them. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  /** 1: grey; 2: grey, alpha; 3: red, green, blue; 4: red, green, blue, alpha. */
  readonly stored: number;
  /** height × width × stored, interleaved: 8 bits, or what `narrow` makes 8 bits of. */
  readonly data: Uint8Array | Uint16Array;
  /** A sample in 8 bits. Default: as it is. */
  readonly narrow?: (sample: number) => number;
  /** Grey, in 8 bits, of a colour's samples: each of OpenCV's decoders has its own. */
  readonly gray: (red: number, green: number, blue: number) => number;
  /** How the picture lies: 1 to 8, as EXIF counts. Default 1. */
  readonly orientation?: number;
  /** It is turned even where it is wanted as it is. */
  readonly alwaysTurned?: boolean;
}

/** 0.299 R + 0.587 G + 0.114 B with 14 bits of fraction, as most of OpenCV's decoders have it. */
export const gray14 = (red: number, green: number, blue: number): number =>
  (red * 4899 + green * 9617 + blue * 1868 + 8192) >> 14;

/** The same with 15 bits: OpenCV's cvtColor. */
export const gray15 = (red: number, green: number, blue: number): number =>
  (red * 9798 + green * 19235 + blue * 3735 + 16384) >> 15;

/** The same with 16 bits: libjpeg's. */
export const gray16 = (red: number, green: number, blue: number): number =>
  (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16;

/**
 * The most pixels of an image: 10,000 × 10,000 and a third more. OpenCV stops at 2^30, which as colour and twice (as
 * decoded, and in planes) would be 6 GiB for a file of a few hundred KiB; here it is 768 MiB, and twice that of 16 bits with alpha.
 */
export const MOST_PIXELS = 2 ** 27;
/** As OpenCV's. */
const LONGEST_SIDE = 2 ** 20;

/** Refuses what a header claims, before memory is taken for it. @throws CortadoError */
export function checkExtents(width: number, height: number, most = MOST_PIXELS): void {
  if (width < 1 || height < 1) throw userError("it has no pixels");
  if (width > LONGEST_SIDE || height > LONGEST_SIDE || width * height > most)
    throw userError(
      `it is ${height} × ${width} (height × width), and images of at most ${grouped(most)} pixels, ${grouped(LONGEST_SIDE)} on a side, are read`,
    );
}

/** The first channel alone, as grey. */
export function firstChannel(pixels: Pixels): Pixels {
  const { stored, data, height, width } = pixels;
  if (stored === 1) return pixels;
  const first =
    data instanceof Uint16Array ? new Uint16Array(height * width) : new Uint8Array(height * width);
  for (let i = 0; i < first.length; i++) first[i] = data[i * stored];
  return { ...pixels, stored: 1, data: first };
}

/** Samples in 8 bits. `Uint8Array.from` would make a list of them all first. */
export function narrowed(samples: Uint8Array | Uint16Array, narrow: (sample: number) => number): Uint8Array {
  const out = new Uint8Array(samples.length);
  for (let i = 0; i < out.length; i++) out[i] = narrow(samples[i]);
  return out;
}

/** Planes, as they are wanted and the right way up. */
export function toPlanes(pixels: Pixels, mode: ColorMode): DecodedImage {
  const { height, width, stored, narrow, gray, orientation = 1, alwaysTurned = false } = pixels;
  const area = height * width;
  const isGray = stored <= 2;
  const channels = mode === "gray" ? 1 : mode === "color" ? 3 : stored === 2 ? 4 : stored;
  const data = new Uint8Array(channels * area);
  if (channels === 1 && !isGray) {
    const samples = pixels.data;
    for (let i = 0, at = 0; i < area; i++, at += stored)
      data[i] = gray(samples[at], samples[at + 1], samples[at + 2]);
  } else {
    const samples = narrow ? narrowed(pixels.data, narrow) : pixels.data;
    // Where each plane's samples stand in a pixel: blue, green, red, alpha.
    const places = isGray ? [0, 0, 0, 1] : [2, 1, 0, 3];
    for (let c = 0, to = 0; c < channels; c++)
      for (let i = 0, at = places[c]; i < area; i++, at += stored) data[to++] = samples[at];
  }
  const image = { channels, height, width, data };
  return mode === "native" && !alwaysTurned ? image : turned(image, orientation);
}

/**
 * Turns an image the right way up. EXIF's orientations, where row 0 and column 0 of the file lie: 1 top left, 2 top
 * right, 3 bottom right, 4 bottom left; 5 to 8 the same with rows and columns exchanged. Others are no orientation.
 */
export function turned(image: DecodedImage, orientation: number): DecodedImage {
  if (orientation < 2 || orientation > 8) return image;
  const { channels, height: rows, width: columns, data } = image;
  const exchanged = orientation >= 5;
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const [height, width] = exchanged ? [columns, rows] : [rows, columns];
  const out = new Uint8Array(data.length);
  let to = 0;
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [row, column] = exchanged ? [x, y] : [y, x];
        const fromRow = fromBottom ? rows - 1 - row : row;
        const fromColumn = fromRight ? columns - 1 - column : column;
        out[to++] = data[(c * rows + fromRow) * columns + fromColumn];
      }
  return { channels, height, width, data: out };
}
