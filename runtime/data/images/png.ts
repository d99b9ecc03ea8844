import { exifOrientation, readerOf } from "./bytes.js";

/** What a PNG's chunks say beside its pixels. */
export interface PngHeader {
  /** 1 to 8, as EXIF counts. */
  readonly orientation: number;
  readonly colorType: number;
  readonly depth: number;
  /** The exponent that its samples were stored with, as libpng counts: times 100,000. */
  readonly gamma?: number;
  /** The most bits of a sample that hold something, where it says so. */
  readonly significantBits?: number;
}

const SIGNATURE = 8;
const SRGB_GAMMA = 45455;
/** Smaller and larger ones are mistakes, and left out. */
const GAMMAS = [16, 625_000_000] as const;

/** Reads the chunks of a PNG. */
export function readPngHeader(file: Uint8Array): PngHeader {
  const reader = readerOf(file, false);
  const depth = reader.u8(SIGNATURE + 16);
  const colorType = reader.u8(SIGNATURE + 17);
  let orientation: number | undefined;
  let gamma: number | undefined;
  let isSrgb = false;
  let significantBits: number | undefined;
  let beforePixels = true;
  for (let at = SIGNATURE; at + 8 <= file.length; ) {
    const length = reader.u32(at);
    const type = reader.text(at + 4, 4);
    const body = at + 8;
    if (type === "PLTE" || type === "IDAT") beforePixels = false;
    if (type === "eXIf") orientation ??= exifOrientation(file.subarray(body, body + length));
    if (beforePixels && type === "sRGB") isSrgb = true;
    if (beforePixels && type === "gAMA") gamma ??= reader.u32(body);
    if (beforePixels && type === "sBIT")
      significantBits ??= Math.max(...file.subarray(body, body + Math.min(length, 3)));
    at = body + length + 4;
  }
  const sound = gamma !== undefined && gamma >= GAMMAS[0] && gamma <= GAMMAS[1] ? gamma : undefined;
  return {
    orientation: orientation ?? 1,
    colorType,
    depth,
    gamma: isSrgb ? SRGB_GAMMA : sound,
    significantBits,
  };
}

const RED = 9797;
const GREEN = 19234;
const BLUE = 32768 - RED - GREEN;
/** Exponents nearer to 1 than this change nothing, times 100,000. */
const INSIGNIFICANT = 5000;
const ONE = 100_000;

const isSignificant = (gamma: number): boolean => Math.abs(gamma - ONE) > INSIGNIFICANT;
const reciprocal = (gamma: number): number => Math.floor(1e10 / gamma + 0.5);

/**
 * Grey as libpng makes it of a colour, told to use 0.299 and 0.587: on light, not on samples, where the file says how
 * it stores light. That without rounding where there is nothing to undo, in tables of 8 or 16 bits else.
 */
export function pngGray({
  depth,
  gamma,
  significantBits,
}: PngHeader): (r: number, g: number, b: number) => number {
  const isDeep = depth === 16;
  const stored = gamma ?? ONE;
  const back = reciprocal(stored);
  if (!isSignificant(stored) && !isSignificant(back)) {
    if (isDeep) return (r, g, b) => Math.floor((r * RED + g * GREEN + b * BLUE + 16384) / 32768) >> 8;
    return (r, g, b) => (r === g && r === b ? r : (r * RED + g * GREEN + b * BLUE) >> 15);
  }
  // The light of a sample, and the sample of a light.
  const table = isDeep ? deepTable(shiftOf(significantBits)) : shallowTable;
  const light = table(back);
  const sample = table(reciprocal(back));
  return (r, g, b) => {
    if (r === g && r === b) return isDeep ? r >> 8 : r;
    const sum = Math.floor((light(r) * RED + light(g) * GREEN + light(b) * BLUE + 16384) / 32768);
    return isDeep ? sample(sum) >> 8 : sample(sum);
  };
}

type Curve = (value: number) => number;

function shallowTable(gamma: number): Curve {
  if (!isSignificant(gamma)) return (value) => value;
  const values = Uint8Array.from({ length: 256 }, (_, i) =>
    Math.floor(255 * (i / 255) ** (gamma * 1e-5) + 0.5),
  );
  return (value) => values[value];
}

/** libpng leaves the low bits out of its tables: all but 11, as the samples are to become 8 bits. */
const shiftOf = (bits: number | undefined): number => {
  const unused = bits !== undefined && bits > 0 && bits < 16 ? 16 - bits : 0;
  return Math.min(8, Math.max(unused, 16 - 11));
};

const deepTable =
  (shift: number) =>
  (gamma: number): Curve => {
    const most = 2 ** (16 - shift) - 1;
    const values = Uint16Array.from({ length: most + 1 }, (_, i) =>
      isSignificant(gamma)
        ? Math.floor(65535 * (i / most) ** (gamma * 1e-5) + 0.5)
        : Math.floor((i * 65535 + 2 ** (15 - shift)) / most),
    );
    return (value) => values[value >> shift];
  };
