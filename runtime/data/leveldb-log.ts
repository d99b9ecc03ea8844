import { userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { openBlockFile } from "./blockfile.js";
import { maskedCrc } from "./leveldb-bytes.js";

/**
 * LevelDB's log of what is not in a table yet (all of a small database stands there), and of what tables there are.
 *
 *     block     32768 bytes, holding parts of records; fewer than 7 bytes left over are zero
 *     part      checksum of kind and data u32, length u16, kind u8, data
 *
 * LevelDB leaves out what is damaged and says nothing, so that records would be missing from every epoch: here it is
 * an error.
 */

const BLOCK = 32768;
const HEADER = 7;
/** Kinds of parts: a whole record, or its first, a middle, its last. */
const [WHOLE, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

interface Part {
  readonly at: number;
  readonly kind: number;
  readonly data: Uint8Array;
}

/**
 * The records of a log, in order. A last one that is cut off is none: its writer ended in the middle of it.
 *
 * @throws CortadoError when a part does not have its checksum, does not fit its block, or belongs to no record
 */
export async function readLog(path: string): Promise<readonly Uint8Array[]> {
  const damaged = (at: number): never => {
    throw userError(`corrupt log ${quotedPath(path)}: a damaged record at byte ${at}`);
  };
  const records: Uint8Array[] = [];
  let begun: Uint8Array[] | undefined;
  const file = await openBlockFile(path);
  try {
    for (let start = 0; start < file.size; start += BLOCK) {
      const length = Math.min(BLOCK, file.size - start);
      const block = (await file.read(start, length)).slice();
      for (const { at, kind, data } of partsOf(block, start + length === file.size, (at) =>
        damaged(start + at),
      )) {
        const begins = kind === WHOLE || kind === FIRST;
        if (begins !== (begun === undefined)) damaged(start + at);
        begun = [...(begun ?? []), data];
        if (kind === FIRST || kind === MIDDLE) continue;
        records.push(begun.length === 1 ? data : Buffer.concat(begun));
        begun = undefined;
      }
    }
  } finally {
    await file.close();
  }
  return records;
}

function partsOf(block: Uint8Array, isLast: boolean, damaged: (at: number) => never): readonly Part[] {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const parts: Part[] = [];
  const isSound = (at: number, end: number): boolean =>
    maskedCrc(block, at + 6, end) === view.getUint32(at, true);
  const endAt = (at: number): number => at + HEADER + view.getUint16(at + 4, true);
  /** Cut off, and not of a damaged length: else it would be sound up to the end, or others would follow. */
  const isCutOff = (at: number): boolean => {
    if (!isLast || isSound(at, block.length)) return false;
    for (let next = at + 1; next + HEADER <= block.length; next++)
      if (block[next + 6] <= LAST && endAt(next) <= block.length && isSound(next, endAt(next))) return false;
    return true;
  };
  let at = 0;
  for (; at + HEADER <= block.length; at = endAt(at)) {
    const [kind, end] = [block[at + 6], endAt(at)];
    // Room that its writer took in advance.
    if (kind === 0 && end === at + HEADER) break;
    if (end > block.length) return isCutOff(at) ? parts : damaged(at);
    if (!isSound(at, end) || kind > LAST) damaged(at);
    parts.push({ at, kind, data: block.subarray(at + HEADER, end) });
  }
  const rest = block.subarray(at).findIndex((byte) => byte !== 0);
  // A last header may be cut off too.
  if (rest !== -1 && !(isLast && block.length - at < HEADER)) damaged(at + rest);
  return parts;
}
