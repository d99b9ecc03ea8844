import { decodeBmp } from "./bmp.js";
import type { ImageName } from "./image-marks.js";
import { decodeJpeg2000 } from "./jpeg2000.js";
import type { ColorMode, Pixels } from "./pixels.js";
import { decodePnm } from "./pnm.js";
import { decodeJpeg, decodePng, decodeTiff, decodeWebp } from "./sharp-images.js";

type Decode = (file: Uint8Array, mode: ColorMode) => Pixels | Promise<Pixels>;

/** The formats that are read, all of which OpenCV reads too. */
export const DECODERS: Readonly<Partial<Record<ImageName, Decode>>> = {
  JPEG: decodeJpeg,
  PNG: decodePng,
  BMP: decodeBmp,
  "PBM, PGM or PPM": decodePnm,
  TIFF: decodeTiff,
  WebP: decodeWebp,
  "JPEG 2000": decodeJpeg2000,
};

/** Their names, for a sentence. */
export const READ_FORMATS: string = Object.keys(DECODERS).join(", ");
