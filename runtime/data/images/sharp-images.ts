import type { Metadata, Sharp } from "sharp";
import { userError } from "../../../proto/errors/index.js";
import { visibleLines } from "../../../proto/words/names.js";
import { messageOf } from "../../../proto/words/trouble.js";
import { JPEG_END, readJpegHeader } from "./jpeg.js";
import {
  type ColorMode,
  checkExtents,
  firstChannel,
  gray14,
  gray15,
  gray16,
  narrowed,
  type Pixels,
} from "./pixels.js";
import { pngGray, readPngHeader } from "./png.js";
import { asStored, multiplied, readTiffHeader } from "./tiff.js";

/** Seconds after which a decoder is stopped: the largest images take some, and more on a busy machine. */
const LONGEST_SECONDS = 120;

interface Decoded {
  readonly metadata: Metadata;
  readonly height: number;
  readonly width: number;
  readonly stored: number;
  readonly data: Buffer;
}

/** Images of more pixels are decoded one after the other, for the sake of memory. */
const MOST_AT_ONCE = 2 ** 24;
let turn: Promise<unknown> = Promise.resolve();

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work);
  turn = mine.catch(() => undefined);
  return mine;
}

/** Decodes with libvips what it takes for that format; `prepare` may ask for samples in a form of its own. */
async function viaSharp(
  file: Uint8Array,
  format: "jpeg" | "png" | "webp" | "tiff",
  prepare: (image: Sharp, metadata: Metadata) => "uchar" | "ushort",
  failOn: "error" | "warning" = "error",
): Promise<Decoded> {
  // Loaded on first use: most nets never see an encoded image.
  const { default: sharp } = await import("sharp");
  try {
    const image = sharp(file, {
      failOn,
      ignoreIcc: true,
      sequentialRead: true,
      // Checked below, in our words.
      limitInputPixels: false,
    }).timeout({ seconds: LONGEST_SECONDS });
    const metadata = await image.metadata();
    if (metadata.format !== format)
      throw userError(`it is damaged: it begins like ${format} and goes on like ${metadata.format}`);
    checkExtents(metadata.width, metadata.height);
    const depth = prepare(image, metadata);
    const read = () => image.raw({ depth }).toBuffer({ resolveWithObject: true });
    const isLarge = metadata.width * metadata.height > MOST_AT_ONCE;
    const { data, info } = await (isLarge ? inTurn(read) : read());
    return { metadata, data, height: info.height, width: info.width, stored: info.channels };
  } catch (error) {
    // Its own errors are Errors without a class; what has one is ours.
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    throw userError(visibleLines(messageOf(error)));
  }
}

/** Grey stays one channel, colour red, green and blue: no colour management. */
function plainly(image: Sharp, { space, hasAlpha }: Metadata): "uchar" {
  // Otherwise grey comes back as three equal channels, as it should where an alpha channel follows.
  if ((space === "b-w" || space === "grey16") && !hasAlpha) image.toColourspace("b-w");
  return "uchar";
}

/** Samples as the file holds them: CMYK too. */
const unconverted =
  (space: "cmyk" | "grey16" | "rgb16", depth: "uchar" | "ushort") =>
  (image: Sharp): "uchar" | "ushort" => {
    image.pipelineColourspace(space).toColourspace(space);
    return depth;
  };

const words = (data: Buffer): Uint16Array =>
  new Uint16Array(data.buffer, data.byteOffset, Math.floor(data.length / 2));

export async function decodeJpeg(file: Uint8Array, mode: ColorMode): Promise<Pixels> {
  const header = readJpegHeader(file);
  const { orientation = 1, isRgb = false, hasEnd = true } = header ?? {};
  const brightness = mode === "gray" ? header?.brightnessFirst : undefined;
  const bytes = brightness ?? file;
  const { data, stored, height, width, metadata } = await viaSharp(
    hasEnd ? bytes : Buffer.concat([bytes, JPEG_END]),
    "jpeg",
    (image, found) => (found.space === "cmyk" ? unconverted("cmyk", "uchar")(image) : plainly(image, found)),
    // Only the end may be missing, no pixels.
    hasEnd ? "error" : "warning",
  );
  const frame = { height, width, orientation, gray: isRgb ? gray16 : gray14 };
  if (brightness) return firstChannel({ ...frame, stored, data });
  if (metadata.space === "cmyk") return { ...frame, stored: 3, data: ofInks(data) };
  return { ...frame, stored, data };
}

/**
 * Red, green and blue of a JPEG's inks as OpenCV has them. libvips gives what is not printed of each; in the file it
 * is what is.
 */
function ofInks(inks: Uint8Array): Uint8Array {
  const out = new Uint8Array((inks.length / 4) * 3);
  for (let i = 0, to = 0; i < inks.length; i += 4) {
    const black = 255 - inks[i + 3];
    for (let c = 0; c < 3; c++) out[to++] = black - ((inks[i + c] * black) >> 8);
  }
  return out;
}

export async function decodePng(file: Uint8Array): Promise<Pixels> {
  const header = readPngHeader(file);
  const isDeep = header.depth === 16;
  const isGray = (header.colorType & 2) === 0;
  const { data, stored, height, width } = await viaSharp(file, "png", (image, metadata) => {
    if (isDeep) return unconverted(isGray ? "grey16" : "rgb16", "ushort")(image);
    return plainly(image, metadata);
  });
  const pixels = {
    height,
    width,
    stored,
    data: isDeep ? words(data) : data,
    narrow: isDeep ? (sample: number) => sample >> 8 : undefined,
    gray: pngGray(header),
    orientation: header.orientation,
  };
  // Grey of which one value is transparent stays grey.
  return header.colorType === 0 ? firstChannel(pixels) : pixels;
}

export async function decodeWebp(file: Uint8Array): Promise<Pixels> {
  const { data, stored, height, width } = await viaSharp(file, "webp", (image, metadata) => {
    if ((metadata.pages ?? 1) > 1) throw userError("it is animated: OpenCV reads still WebP images only");
    return plainly(image, metadata);
  });
  return { height, width, stored, data, gray: gray15 };
}

/** Of a TIFF's pages the first. */
export async function decodeTiff(file: Uint8Array): Promise<Pixels> {
  const header = readTiffHeader(file);
  const { kind, isDeep } = header;
  checkExtents(header.width, header.height);
  const { data, stored, height, width } = await viaSharp(
    asStored(file, header),
    "tiff",
    (image, metadata) => {
      if (kind === "inks") return unconverted("cmyk", "uchar")(image);
      if (isDeep) return unconverted(kind === "gray" ? "grey16" : "rgb16", "ushort")(image);
      return plainly(image, metadata);
    },
  );
  const frame = { height, width, orientation: header.orientation, alwaysTurned: true, gray: gray14 };
  if (kind === "inks") return { ...frame, stored: 4, data: lightOf(data, stored) };
  // As libtiff narrows, each in a way of its own.
  const narrow = (sample: number): number =>
    kind === "gray" ? sample >> 8 : Math.floor((sample + 128) / 257);
  const samples = isDeep ? narrowed(words(data), narrow) : data;
  if (kind === "gray") return firstChannel({ ...frame, stored, data: samples });
  return { ...frame, stored, data: header.isUnmultiplied && stored === 4 ? multiplied(samples) : samples };
}

/** Red, green, blue and nothing transparent of a TIFF's inks, as libtiff has them. */
function lightOf(inks: Uint8Array, stored: number): Uint8Array {
  const out = new Uint8Array((inks.length / stored) * 4).fill(255);
  for (let i = 0, to = 0; i < inks.length; i += stored, to++) {
    const light = 255 - inks[i + 3];
    for (let c = 0; c < 3; c++) out[to++] = Math.floor((light * (255 - inks[i + c])) / 255);
  }
  return out;
}
