import { exifOrientation } from "./bytes.js";

/** A JPEG's markers: FF, then one of these. */
const START = 0xd8;
const SCAN = 0xda;
/** The marker behind the last scan. */
export const JPEG_END = Uint8Array.of(0xff, 0xd9);
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP14 = 0xee;
/** APP14 as Adobe writes it, with transform 0: the components are taken as they are. */
const AS_THEY_ARE = [0xff, APP14, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0];
/** "Exif", two zeros; then EXIF's data. */
const EXIF_PREFIX = 6;

/** What a JPEG says of itself before its first scan. */
export interface JpegHeader {
  /** 1 to 8, as EXIF counts. */
  readonly orientation: number;
  /** Three components are red, green and blue already. */
  readonly isRgb: boolean;
  /**
   * Of three components that are not: the same file, with a note to the decoder that there is nothing to convert. Its
   * first decoded channel is the picture's own brightness (Y of YCbCr), as libjpeg gives it to who asks for grey.
   */
  readonly brightnessFirst?: Uint8Array;
  /** The file has its end: some writers leave it out. */
  readonly hasEnd: boolean;
}

/** Reads the header; undefined for what is no JPEG with a scan. */
export function readJpegHeader(file: Uint8Array): JpegHeader | undefined {
  if (file[0] !== 0xff || file[1] !== START) return undefined;
  const kept: Uint8Array[] = [file.subarray(0, 2), Uint8Array.from(AS_THEY_ARE)];
  let components: Uint8Array | undefined;
  let isJfif = false;
  let transform: number | undefined;
  let orientation: number | undefined;
  for (let at = 2; at + 4 <= file.length; ) {
    if (file[at] !== 0xff) return undefined;
    const marker = file[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === SCAN) {
      const isRgb = components?.length === 3 && isRedGreenBlue(components, isJfif, transform);
      const hasBrightness = components?.length === 3 && !isRgb;
      return {
        orientation: orientation ?? 1,
        isRgb,
        hasEnd: Buffer.from(file.buffer, file.byteOffset, file.length).lastIndexOf(JPEG_END) > at,
        brightnessFirst: hasBrightness ? Buffer.concat([...kept, file.subarray(at)]) : undefined,
      };
    }
    const end = at + 2 + file[at + 2] * 256 + file[at + 3];
    const body = file.subarray(at + 4, end);
    const jfif = marker === APP0 && startsWith(body, "JFIF\0");
    const adobe = marker === APP14 && startsWith(body, "Adobe") && body.length >= 12;
    if (jfif) isJfif = true;
    else if (adobe) transform = body[11];
    else kept.push(file.subarray(at, end));
    // OpenCV looks at the first APP1 only, be it EXIF or something else.
    if (marker === APP1) orientation ??= exifOrientation(body.subarray(EXIF_PREFIX));
    if (isFrame(marker)) components = Uint8Array.from({ length: body[5] }, (_, i) => body[6 + 3 * i]);
    at = end;
  }
  return undefined;
}

/** Start of frame, of any coding; C4, C8 and CC are something else. */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  [...text].every((letter, i) => bytes[i] === letter.charCodeAt(0));

/** How libjpeg tells that three components are red, green and blue. */
function isRedGreenBlue(components: Uint8Array, isJfif: boolean, transform: number | undefined): boolean {
  if (isJfif) return false;
  return transform === undefined ? startsWith(components, "RGB") : transform === 0;
}
