import { decodeBmp } from "./bmp.js";
import { decodeJpeg2000 } from "./jpeg2000.js";
import type { ColorMode, Pixels } from "./pixels.js";
import { decodePnm } from "./pnm.js";
import { decodeJpeg, decodePng, decodeTiff, decodeWebp } from "./sharp-images.js";

interface ImageFormat {
  readonly name: string;
  /** Whether a file that begins so is of it. */
  readonly is: (head: string) => boolean;
  /** Absent: it is known by name only, to be refused by it. */
  readonly decode?: (file: Uint8Array, mode: ColorMode) => Pixels | Promise<Pixels>;
}

const begins =
  (...marks: readonly string[]) =>
  (head: string): boolean =>
    marks.some((mark) => head.startsWith(mark));

/** A letter and one of some others, then white space. */
const portable = (kinds: string) => (head: string) =>
  head[0] === "P" && head.length > 2 && kinds.includes(head[1]) && /\s/.test(head[2]);

/** Formats by how their files begin: those that are read, all of which OpenCV reads too, and others that people have. */
const FORMATS: readonly ImageFormat[] = [
  { name: "JPEG", is: begins("\xff\xd8\xff"), decode: decodeJpeg },
  { name: "PNG", is: begins("\x89PNG\r\n\x1a\n"), decode: decodePng },
  { name: "BMP", is: begins("BM"), decode: decodeBmp },
  { name: "PBM, PGM or PPM", is: portable("123456"), decode: decodePnm },
  { name: "TIFF", is: begins("II*\0", "MM\0*", "II+\0", "MM\0+"), decode: decodeTiff },
  { name: "WebP", is: (head) => head.startsWith("RIFF") && head.startsWith("WEBP", 8), decode: decodeWebp },
  {
    name: "JPEG 2000",
    is: begins("\0\0\0\x0cjP  \r\n\x87\n", "\xff\x4f\xff\x51"),
    decode: decodeJpeg2000,
  },
  { name: "GIF", is: begins("GIF8") },
  { name: "SVG", is: (head) => /^[^<]{0,8}</.test(head) && /<svg\b/i.test(head) },
  { name: "PDF", is: begins("%PDF") },
  { name: "AVIF or HEIF", is: (head) => /^ftyp(avi|hei|hev|mif|msf)/.test(head.slice(4)) },
  { name: "JPEG XL", is: begins("\xff\x0a", "\0\0\0\x0cJXL ") },
  { name: "Photoshop", is: begins("8BPS") },
  { name: "Windows icon", is: begins("\0\0\x01\0", "\0\0\x02\0") },
  { name: "PAM", is: portable("7") },
  { name: "PFM", is: portable("Ff") },
  { name: "Sun raster", is: begins("\x59\xa6\x6a\x95") },
  { name: "Radiance HDR", is: begins("#?R") },
  { name: "OpenEXR", is: begins("\x76\x2f\x31\x01") },
];

/** The format of a file, by its content and not by its name. */
export function formatOf(file: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(file.subarray(0, 512)).toString("latin1");
  return FORMATS.find(({ is }) => is(head));
}

/** Those that are read, for a sentence. */
export const READ_FORMATS: string = FORMATS.flatMap(({ name, decode }) => (decode ? [name] : [])).join(", ");
