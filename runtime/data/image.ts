import { userError } from "../../proto/errors/index.js";
import { messageOf } from "../../proto/words/trouble.js";
import { withBrightnessFirst } from "./images/jpeg.js";

/** How a file's pixels are wanted: as they are, as colour, or as one grey channel. */
export type ColorMode = "native" | "color" | "gray";

export interface DecodedImage {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** channels × height × width; colours in the order blue, green, red (then alpha) */
  readonly data: Uint8Array;
}

/**
 * Decodes a JPEG, PNG, … file as OpenCV's imdecode does for Caffe: 8 bits, planes in the order blue, green, red.
 * "native" keeps grey as one channel and an alpha channel as the fourth; grey of a JPEG is the brightness that it
 * holds, of anything else 0.299 R + 0.587 G + 0.114 B in OpenCV's fixed-point form.
 *
 * @param what how to name the file in an error
 * @throws CortadoError when it cannot be decoded
 */
export async function decodeImage(file: Uint8Array, mode: ColorMode, what: string): Promise<DecodedImage> {
  // Loaded on first use: most nets never see an encoded image.
  const { default: sharp } = await import("sharp");
  try {
    const bright = mode === "gray" ? withBrightnessFirst(file) : undefined;
    const image = sharp(bright ?? file, { failOn: "error", ignoreIcc: true, sequentialRead: true });
    const metadata = await image.metadata();
    const isGray = metadata.space === "b-w" || metadata.space === "grey16";
    // Otherwise grey comes back as three equal channels, as it should where an alpha channel follows, and CMYK as it is.
    if (isGray && !metadata.hasAlpha) image.toColourspace("b-w");
    else if (metadata.space === "cmyk") image.toColourspace("srgb");
    const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    if (bright) return firstOf(data, info.channels, info.height, info.width);
    return planes(data, info.channels, info.height, info.width, mode);
  } catch (error) {
    throw userError(`cannot decode ${what}: ${messageOf(error)}`);
  }
}

/** The first of several interleaved channels. */
function firstOf(pixels: Uint8Array, stored: number, height: number, width: number): DecodedImage {
  return {
    channels: 1,
    height,
    width,
    data: Uint8Array.from({ length: height * width }, (_, i) => pixels[i * stored]),
  };
}

/** Interleaved pixels (grey, RGB or RGBA) to planes. */
function planes(
  pixels: Uint8Array,
  stored: number,
  height: number,
  width: number,
  mode: ColorMode,
): DecodedImage {
  const area = height * width;
  const isGray = stored === 1;
  const channels = mode === "gray" ? 1 : mode === "color" ? 3 : stored;
  const data = new Uint8Array(channels * area);
  for (let i = 0; i < area; i++) {
    const at = i * stored;
    const red = pixels[at];
    const green = isGray ? red : pixels[at + 1];
    const blue = isGray ? red : pixels[at + 2];
    if (channels === 1) {
      data[i] = isGray ? red : (red * 4899 + green * 9617 + blue * 1868 + 8192) >> 14;
      continue;
    }
    data[i] = blue;
    data[area + i] = green;
    data[2 * area + i] = red;
    if (channels === 4) data[3 * area + i] = pixels[at + stored - 1];
  }
  return { channels, height, width, data };
}
