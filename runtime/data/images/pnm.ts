import { userError } from "../../../proto/errors/index.js";
import { checkExtents, gray14, type Pixels } from "./pixels.js";

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const HASH = 0x23;
const ZERO = 0x30;
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
const isDigit = (byte: number): boolean => byte >= ZERO && byte <= 0x39;

/**
 * PBM, PGM and PPM, as text and binary, of 8 and 16 bits, as OpenCV reads them: of 8 bits, text is brought from its
 * maximum to 255 and binary is taken as it is; of 16 bits the high ones count.
 *
 * @throws CortadoError where it is damaged, or cut short
 */
export function decodePnm(file: Uint8Array): Pixels {
  const kind = file[1] - ZERO;
  const isBinary = kind >= 4;
  const isBitmap = kind % 3 === 1;
  const stored = kind % 3 === 0 ? 3 : 1;
  const words = numbers(file, 2);
  const width = words.next();
  const height = words.next();
  const most = isBitmap ? 1 : words.next();
  if (most < 1 || most > 65535) throw userError(`its header is damaged: a maximum of ${most}`);
  checkExtents(width, height);
  const count = width * height * stored;
  const bytes = most > 255 ? 2 : 1;
  const pitch = isBitmap ? Math.ceil(width / 8) : width * stored * bytes;
  // A sample of text takes a byte at least.
  if (words.at() + (isBinary ? pitch * height : count) > file.length + 1) throw userError(CUT);
  const data = new Uint8Array(count);
  const pixels = { height, width, stored, data, gray: gray14 };
  if (!isBinary) {
    for (let i = 0; i < count; i++) {
      const value = Math.min(words.next(isBitmap), most);
      data[i] = isBitmap ? 255 * (1 - value) : bytes === 2 ? value >> 8 : Math.floor((value * 255) / most);
    }
    return pixels;
  }
  const start = words.at();
  if (start + pitch * height > file.length) throw userError(CUT);
  for (let i = 0; i < count; i++) {
    const x = i % width;
    data[i] = isBitmap
      ? 255 * (1 - ((file[start + Math.floor(i / width) * pitch + (x >> 3)] >> (7 - (x & 7))) & 1))
      : file[start + i * bytes];
  }
  return pixels;
}

const CUT = "it is cut short: pixels are missing";
const LARGEST = 2 ** 31 - 1;

/** The numbers of a text, with comments from # to the end of the line. */
function numbers(file: Uint8Array, start: number) {
  let at = start;
  const take = (): number => {
    if (at >= file.length) throw userError(CUT);
    return file[at++];
  };
  return {
    /** Behind the number last read and one byte that ended it. */
    at: (): number => at,
    /** @param single one digit only: bits may stand without spaces between them */
    next(single = false): number {
      let byte = take();
      while (!isDigit(byte)) {
        if (byte === HASH) while (byte !== NEWLINE && byte !== RETURN) byte = take();
        else if (!isSpace(byte))
          throw userError("it is damaged: a number should stand where something else does");
        byte = take();
      }
      let value = 0;
      for (;;) {
        value = value * 10 + byte - ZERO;
        if (value > LARGEST) throw userError("it is damaged: a number is too large");
        if (single || at >= file.length) return value;
        byte = file[at++];
        if (!isDigit(byte)) return value;
      }
    },
  };
}
