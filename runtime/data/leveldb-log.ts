import { userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { openBlockFile } from "./blockfile.js";

/**
 * LevelDB's log of what is not in a table yet; all of a small database stands there. When it replays a log, LevelDB
 * leaves out what is damaged and says nothing, so that records would be missing from every epoch: the log is
 * checked before.
 *
 *     block     32768 bytes, holding records; fewer than 7 bytes left over are padding
 *     record    masked CRC-32C of type and data u32, length u16, type u8, data
 */

const BLOCK = 32768;
const HEADER = 7;
const PREALLOCATED = 0;
const MASK_DELTA = 0xa282ead8;
const POLYNOMIAL = 0x82f63b78;

/**
 * Checks every record of a log. A last record that is cut off is none: its writer ended in the middle of it.
 *
 * @throws CortadoError when a record does not have its checksum or does not fit its block
 */
export async function verifyLog(path: string): Promise<void> {
  const file = await openBlockFile(path);
  try {
    for (let start = 0; start < file.size; start += BLOCK) {
      const length = Math.min(BLOCK, file.size - start);
      const damaged = damageIn(await file.read(start, length), length < BLOCK);
      if (damaged !== undefined)
        throw userError(`corrupt log ${quotedPath(path)}: a damaged record at byte ${start + damaged}`);
    }
  } finally {
    await file.close();
  }
}

/** Where the first damaged record of a block begins. */
function damageIn(block: Uint8Array, isLast: boolean): number | undefined {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  for (let at = 0; at + HEADER <= block.length; ) {
    const end = at + HEADER + view.getUint16(at + 4, true);
    if (block[at + 6] === PREALLOCATED && end === at + HEADER) return undefined;
    if (end > block.length) return isLast ? undefined : at;
    if (masked(crc32c(block, at + 6, end)) !== view.getUint32(at, true)) return at;
    at = end;
  }
  return undefined;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The CRC of Castagnoli's polynomial, of bytes [from, to). */
function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff;
  for (let i = from; i < to; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** LevelDB stores no plain CRC, since its data may hold CRCs itself: rotated by 15 bits, plus a constant. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
