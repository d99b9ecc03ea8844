/** Numbers in a file's bytes; what lies behind its end reads as 0. */
export interface ByteReader {
  readonly length: number;
  u8(at: number): number;
  u16(at: number): number;
  u32(at: number): number;
  /** The bytes from `at` as Latin letters. */
  text(at: number, length: number): string;
}

export function readerOf(bytes: Uint8Array, littleEndian: boolean): ByteReader {
  const u8 = (at: number): number => bytes[at] ?? 0;
  const u16 = (at: number): number => (littleEndian ? u8(at) + u8(at + 1) * 256 : u8(at) * 256 + u8(at + 1));
  const u32 = (at: number): number =>
    littleEndian ? u16(at) + u16(at + 2) * 65536 : u16(at) * 65536 + u16(at + 2);
  return {
    length: bytes.length,
    u8,
    u16,
    u32,
    text: (at, length) => Buffer.from(bytes.subarray(at, at + length)).toString("latin1"),
  };
}

/** The first directory of a TIFF, which EXIF is too, by its entries' tags; the first of a tag counts. */
export interface Directory {
  readonly reader: ByteReader;
  /** `at`: where its values are, in the entry or elsewhere. */
  readonly entries: ReadonlyMap<number, Entry>;
}

interface Entry {
  readonly count: number;
  /** Values of 16 bits; else of 32. */
  readonly isShort: boolean;
  readonly at: number;
}

/** Of a TIFF and of a BigTIFF: the number behind the mark, the bytes of an offset, where the first one stands. */
const PLAIN = { version: 42, offset: 4, first: 4 } as const;
const BIG = { version: 43, offset: 8, first: 8 } as const;
/** Bytes of one value, by its type. */
const SIZES: readonly number[] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

const SHORT = 3;

/** Reads it; undefined where there is none. */
export function directoryOf(bytes: Uint8Array): Directory | undefined {
  const mark = readerOf(bytes, true).text(0, 2);
  if (mark !== "II" && mark !== "MM") return undefined;
  const reader = readerOf(bytes, mark === "II");
  const form = [PLAIN, BIG].find(({ version }) => reader.u16(2) === version);
  if (!form) return undefined;
  const isBig = form === BIG;
  const offsetAt = (at: number): number => {
    if (!isBig) return reader.u32(at);
    const [first, second] = [reader.u32(at), reader.u32(at + 4)];
    return mark === "II" ? first + second * 2 ** 32 : first * 2 ** 32 + second;
  };
  const start = offsetAt(form.first);
  const count = isBig ? offsetAt(start) : reader.u16(start);
  const entries = new Map<number, Entry>();
  const size = 4 + 2 * form.offset;
  for (let at = start + (isBig ? 8 : 2), i = 0; i < count && at + size <= bytes.length; at += size, i++) {
    const tag = reader.u16(at);
    const values = offsetAt(at + 4);
    const place = at + 4 + form.offset;
    const type = reader.u16(at + 2);
    const isInside = values * (SIZES[type] ?? 0) <= form.offset;
    if (!entries.has(tag))
      entries.set(tag, { count: values, isShort: type === SHORT, at: isInside ? place : offsetAt(place) });
  }
  return { reader, entries };
}

const ORIENTATION = 0x112;

/** The orientation that EXIF data tell, 1 where they tell none: they begin as a TIFF does. */
export function exifOrientation(exif: Uint8Array): number {
  const directory = directoryOf(exif);
  const entry = directory?.entries.get(ORIENTATION);
  return directory && entry ? directory.reader.u16(entry.at) : 1;
}
