/** What LevelDB's logs and tables are made of: numbers of varying length, checksums, compressed blocks. */

const MASK_DELTA = 0xa282ead8;
const POLYNOMIAL = 0x82f63b78;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/**
 * The checksum of bytes [from, to) as LevelDB stores it: CRC-32C, not plain, since its data may hold CRCs themselves:
 * rotated by 15 bits, plus a constant.
 */
export function maskedCrc(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff;
  for (let i = from; i < to; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** A place in bytes that are read from the front. */
export interface Place {
  readonly bytes: Uint8Array;
  at: number;
}

/** Bytes are not what they should be; who reads them says of which file. */
export class Malformed extends Error {}

/** A number of seven bits a byte, the lowest first. Only its shortest form is one: a flipped bit must not pass. */
export function varint(place: Place): number {
  const { bytes } = place;
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    if (place.at >= bytes.length) throw new Malformed("a number that is cut off");
    const byte = bytes[place.at++];
    value += (byte & 127) * factor;
    if (value > Number.MAX_SAFE_INTEGER) throw new Malformed("a number that is too large");
    if (byte < 128) {
      if (byte === 0 && factor > 1) throw new Malformed("a number with empty digits");
      return value;
    }
  }
}

/** The next bytes; they share memory with the whole. */
export function take(place: Place, length: number): Uint8Array {
  const end = place.at + length;
  if (end > place.bytes.length) throw new Malformed("it ends too early");
  const taken = place.bytes.subarray(place.at, end);
  place.at = end;
  return taken;
}

/** Bytes after their number. */
export const takeCounted = (place: Place): Uint8Array => take(place, varint(place));

/** No element of the format gives more than 64 bytes for its three. */
const MOST_EXPANSION = 22;

/**
 * Bytes that Snappy compressed: their number, then literals and copies of what stands before.
 *
 *     …00   literal: its length less 1 in the upper six bits, or, from 60 on, in the 1 to 4 bytes that follow
 *     …01   copy: length less 4 in three bits, offset in three bits and a byte
 *     …10   copy: length less 1 in six bits, offset in two bytes; …11: in four
 */
export function unsnap(compressed: Uint8Array): Uint8Array {
  const place: Place = { bytes: compressed, at: 0 };
  const length = varint(place);
  if (length > MOST_EXPANSION * compressed.length)
    throw new Malformed(`${length} bytes cannot stand in ${compressed.length}`);
  const out = new Uint8Array(length);
  let filled = 0;
  const number = (width: number): number =>
    take(place, width).reduceRight((value, byte) => value * 256 + byte, 0);
  while (place.at < compressed.length) {
    const tag = compressed[place.at++];
    const upper = tag >> 2;
    if ((tag & 3) === 0) {
      const literal = take(place, (upper < 60 ? upper : number(upper - 59)) + 1);
      if (filled + literal.length > length) throw new Malformed("more bytes than it says");
      out.set(literal, filled);
      filled += literal.length;
      continue;
    }
    const isShort = (tag & 3) === 1;
    const count = isShort ? (upper & 7) + 4 : upper + 1;
    const back = isShort ? (tag >> 5) * 256 + number(1) : number((tag & 3) === 2 ? 2 : 4);
    if (back === 0 || back > filled) throw new Malformed("a copy from before the beginning");
    if (filled + count > length) throw new Malformed("more bytes than it says");
    // It may reach into what it writes itself: byte by byte.
    for (const end = filled + count; filled < end; filled++) out[filled] = out[filled - back];
  }
  if (filled !== length) throw new Malformed(`${filled} bytes, not the ${length} it says`);
  return out;
}
