import { fileError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { openFile } from "./whole-file.js";

const BLOCK = 1 << 18;
const BLOCKS_KEPT = 8;
/** The most that one read may ask for: the largest message that Caffe's own format allows, and what Node can read. */
const LONGEST_READ = 2 ** 31 - 1;

/**
 * A file read by position, never as a whole: aligned blocks of 256 KiB, the last few kept, since readers walk
 * mostly forwards through small pages.
 */
export interface BlockFile {
  readonly path: string;
  readonly size: number;
  /**
   * The bytes [offset, offset + length). May share memory with the cache: read them before the next call.
   * @throws CortadoError when they do not all lie inside the file, or are 2 GiB or more
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a file for positional reading. @throws CortadoError when it cannot be opened or is not a file */
export async function openBlockFile(path: string): Promise<BlockFile> {
  const { handle, size } = await openFile(path, quotedPath(path));
  const blocks = new Map<number, Uint8Array>();

  const readFully = async (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle
        .read(bytes, done, length - done, offset + done)
        .catch((error: unknown) => {
          throw fileError(`cannot read ${quotedPath(path)}`, error);
        });
      if (bytesRead === 0) throw userError(`${quotedPath(path)} became shorter while it was read`);
      done += bytesRead;
    }
    return bytes;
  };
  const block = async (index: number): Promise<Uint8Array> => {
    const known = blocks.get(index);
    if (known) {
      // Newest last: the first key of the map is the one least recently used.
      blocks.delete(index);
      blocks.set(index, known);
      return known;
    }
    const bytes = await readFully(index * BLOCK, Math.min(BLOCK, size - index * BLOCK));
    blocks.set(index, bytes);
    const [oldest] = blocks.keys();
    if (blocks.size > BLOCKS_KEPT) blocks.delete(oldest);
    return bytes;
  };

  return {
    path,
    size,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size) {
        throw userError(
          `${quotedPath(path)} is cut short or corrupt: bytes ${offset} to ${offset + length} of ${size}`,
        );
      }
      if (length > LONGEST_READ)
        throw userError(`${quotedPath(path)}: a record of ${length} bytes is too large to read`);
      const first = Math.floor(offset / BLOCK);
      const within = offset - first * BLOCK;
      if (within + length <= BLOCK) {
        return length === 0 ? new Uint8Array(0) : (await block(first)).subarray(within, within + length);
      }
      return readFully(offset, length);
    },
    close: () => handle.close(),
  };
}
