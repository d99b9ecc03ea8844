import { type CortadoError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { type BlockFile, openBlockFile } from "./blockfile.js";
import { Malformed, maskedCrc, type Place, take, unsnap, varint } from "./leveldb-bytes.js";

/**
 * A table of LevelDB: records that rise by key, in blocks, each with its checksum.
 *
 *     table     blocks of records, filter block, block of the filters' names, index block, footer
 *     block     entries, offsets of those that begin a key anew, their number u32; compression u8, checksum u32
 *     entry     bytes shared with the key before, bytes not shared, bytes of the value, rest of the key, value
 *     footer    48 bytes: places of the block of names and of the index block, zeros, a magic number
 *     key       the user's key, then kind u8 and sequence number u56
 *
 * Every byte of a file stands under a checksum or is known: the blocks fill it without gaps.
 */

const FOOTER = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** After a block: kind of compression, checksum. */
const TRAILER = 5;
const KEY_TRAILER = 8;
const [PLAIN, SNAPPY, ZSTD] = [0, 1, 2];
const [DELETED, PUT] = [0, 1];

/** What is known of a key since a moment. */
export interface Version {
  readonly key: Uint8Array;
  /** The later one counts. */
  readonly sequence: number;
  /** Absent: the key is deleted. */
  readonly value: Uint8Array | undefined;
}

/** A walk over a table's versions, in order of keys, the newest first. */
export interface TableWalk {
  next(): Promise<Version | undefined>;
  close(): Promise<void>;
}

interface Handle {
  readonly at: number;
  readonly length: number;
}
interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The user's part of an internal key. */
export const userKey = (key: Uint8Array): Uint8Array =>
  key.subarray(0, Math.max(0, key.length - KEY_TRAILER));

/**
 * Opens a table.
 *
 * @param size of the file, as the database has noted it
 * @throws CortadoError, as `next`, where a byte of it is damaged
 */
export async function openTable(path: string, size: number): Promise<TableWalk> {
  const file = await openBlockFile(path);
  const corrupt = (what: string): CortadoError =>
    userError(`corrupt table ${quotedPath(path)} of a LevelDB database: ${what}`);
  const told = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw error instanceof Malformed ? corrupt(`${what}: ${error.message}`) : error;
    }
  };
  try {
    if (file.size !== size) throw corrupt(`it has ${file.size} bytes, and ${size} were written`);
    const blocks = await told("its index", () => dataBlocks(file));
    let block = 0;
    let entries: readonly Entry[] = [];
    let at = 0;
    return {
      next: () =>
        told("a record", async () => {
          while (at >= entries.length) {
            if (block >= blocks.length) return undefined;
            const handle = blocks[block++];
            entries = await told(`the block at byte ${handle.at}`, async () =>
              entriesOf(await blockAt(file, handle)),
            );
            at = 0;
          }
          return versionOf(entries[at++]);
        }),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The blocks of records. The others are looked through as well, and that nothing lies between them. */
async function dataBlocks(file: BlockFile): Promise<readonly Handle[]> {
  if (file.size < FOOTER) throw new Malformed("it is cut short");
  const footer: Place = { bytes: (await file.read(file.size - FOOTER, FOOTER)).slice(), at: 0 };
  const names = takeHandle(footer);
  const index = takeHandle(footer);
  if (footer.bytes.subarray(footer.at, FOOTER - 8).some((byte) => byte !== 0))
    throw new Malformed("its footer is damaged");
  if (Buffer.from(footer.bytes).readBigUInt64LE(FOOTER - 8) !== MAGIC)
    throw new Malformed("its magic number is missing");
  const handlesIn = async (handle: Handle): Promise<readonly Handle[]> =>
    entriesOf(await blockAt(file, handle)).map(({ value }) => takeHandle({ bytes: value, at: 0 }, true));
  const blocks = await handlesIn(index);
  const filters = await handlesIn(names);
  let end = 0;
  for (const { at, length } of [...blocks, ...filters, names, index]) {
    if (at !== end) throw new Malformed(`its blocks do not follow each other at byte ${end}`);
    end = at + length + TRAILER;
  }
  if (end !== file.size - FOOTER) throw new Malformed("its blocks do not reach its footer");
  for (const filter of filters) await blockAt(file, filter);
  return blocks;
}

function takeHandle(place: Place, isAll = false): Handle {
  const handle = { at: varint(place), length: varint(place) };
  if (isAll && place.at !== place.bytes.length) throw new Malformed("a place that is too long");
  return handle;
}

/** The content of a block, once its checksum is right. */
async function blockAt(file: BlockFile, { at, length }: Handle): Promise<Uint8Array> {
  if (at + length + TRAILER > file.size - FOOTER) throw new Malformed("it lies outside of the file");
  // A copy: records are kept while other blocks are read.
  const bytes = (await file.read(at, length + TRAILER)).slice();
  if (maskedCrc(bytes, 0, length + 1) !== Buffer.from(bytes.buffer).readUInt32LE(length + 1))
    throw new Malformed("its checksum is wrong");
  const content = bytes.subarray(0, length);
  switch (bytes[length]) {
    case PLAIN:
      return content;
    case SNAPPY:
      return unsnap(content);
    case ZSTD:
      throw new Malformed("it is compressed with Zstandard, and only Snappy is known");
    default:
      throw new Malformed(`a compression of kind ${bytes[length]}`);
  }
}

/** A block's entries, whose keys rise. */
function entriesOf(content: Uint8Array): readonly Entry[] {
  if (content.length < 4) throw new Malformed("it is too short");
  const restarts = Buffer.from(content.buffer, content.byteOffset).readUInt32LE(content.length - 4);
  const end = content.length - 4 - 4 * restarts;
  if (end < 0) throw new Malformed("it is too short");
  const place: Place = { bytes: content.subarray(0, end), at: 0 };
  const entries: Entry[] = [];
  let before = new Uint8Array(0);
  while (place.at < end) {
    const [shared, own, size] = [varint(place), varint(place), varint(place)];
    if (shared > before.length) throw new Malformed("a key that shares more than there is");
    const rest = take(place, own);
    const key = new Uint8Array(shared + own);
    key.set(before.subarray(0, shared));
    key.set(rest, shared);
    entries.push({ key, value: take(place, size) });
    before = key;
  }
  return entries;
}

function versionOf({ key, value }: Entry): Version {
  if (key.length < KEY_TRAILER) throw new Malformed("a key without its sequence number");
  return version(userKey(key), Buffer.from(key).readBigUInt64LE(key.length - KEY_TRAILER), value);
}

function version(key: Uint8Array, trailer: bigint, value: Uint8Array): Version {
  const kind = Number(trailer & 0xffn);
  if (kind !== PUT && kind !== DELETED) throw new Malformed(`a record of kind ${kind}`);
  return { key, sequence: Number(trailer >> 8n), value: kind === PUT ? value : undefined };
}
