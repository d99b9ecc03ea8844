import { decodeBmp } from "./bmp.js";
import { decodeJpeg2000 } from "./jpeg2000.js";
import type { ColorMode, Pixels } from "./pixels.js";
import { decodePnm } from "./pnm.js";
import { decodeJpeg, decodePng, decodeTiff, decodeWebp } from "./sharp-images.js";

interface ImageFormat {
  readonly name: string;
  /** What its files begin with, letter by letter. */
  readonly mark: RegExp;
  /** Absent: it is known by name only, to be refused by it. */
  readonly decode?: (file: Uint8Array, mode: ColorMode) => Pixels | Promise<Pixels>;
}

/** Formats by how their files begin: those that are read, all of which OpenCV reads too, and those that people have. */
const FORMATS: readonly ImageFormat[] = [
  { name: "JPEG", mark: /^\xff\xd8\xff/, decode: decodeJpeg },
  { name: "PNG", mark: /^\x89PNG\r\n\x1a\n/, decode: decodePng },
  { name: "BMP", mark: /^BM/, decode: decodeBmp },
  { name: "PBM, PGM or PPM", mark: /^P[1-6]\s/, decode: decodePnm },
  { name: "TIFF", mark: /^(II[*+]\0|MM\0[*+])/, decode: decodeTiff },
  { name: "WebP", mark: /^RIFF[^]{4}WEBP/, decode: decodeWebp },
  {
    name: "JPEG 2000",
    mark: /^(\0\0\0\x0cjP {2}\r\n\x87\n|\xff\x4f\xff\x51)/,
    decode: decodeJpeg2000,
  },
  { name: "GIF", mark: /^GIF8/ },
  { name: "SVG", mark: /^(\xef\xbb\xbf)?\s*(<\?xml[^]*)?(<!--[^]*)?(<!DOCTYPE svg[^]*)?<svg/i },
  { name: "PDF", mark: /^%PDF/ },
  { name: "AVIF or HEIF", mark: /^[^]{4}ftyp(avi|hei|hev|mif|msf)/ },
  { name: "JPEG XL", mark: /^(\xff\x0a|\0\0\0\x0cJXL )/ },
  { name: "Photoshop", mark: /^8BPS/ },
  { name: "Windows icon", mark: /^\0\0[\x01\x02]\0/ },
  { name: "PAM", mark: /^P7\s/ },
  { name: "PFM", mark: /^P[Ff]\s/ },
  { name: "Sun raster", mark: /^\x59\xa6\x6a\x95/ },
  { name: "Radiance HDR", mark: /^#\?R/ },
  { name: "OpenEXR", mark: /^\x76\x2f\x31\x01/ },
];

/** The format of a file, by its content and not by its name. */
export function formatOf(file: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(file.subarray(0, 512)).toString("latin1");
  return FORMATS.find(({ mark }) => mark.test(head));
}

/** Those that are read, for a sentence. */
export const READ_FORMATS: string = FORMATS.flatMap(({ name, decode }) => (decode ? [name] : [])).join(", ");
