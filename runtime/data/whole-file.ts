import { type FileHandle, open, stat } from "node:fs/promises";
import { fileError, userError } from "../../proto/errors/index.js";
import { codeOf } from "../../proto/words/trouble.js";

/**
 * Opens a file for reading. Pipes and devices are refused before they are opened: opening them may wait for ever.
 *
 * @param what what it is to the user, with its name: `the mean file "mean.binaryproto"`
 * @throws CortadoError when it cannot be opened or is not a file
 */
export async function openFile(path: string, what: string): Promise<{ handle: FileHandle; size: number }> {
  let handle: FileHandle | undefined;
  try {
    if (!(await stat(path)).isFile()) throw userError(`${what} is not a file`);
    handle = await open(path, "r");
    return { handle, size: (await handle.stat()).size };
  } catch (error) {
    await handle?.close();
    if (codeOf(error) === undefined) throw error;
    throw fileError(`cannot open ${what}`, error);
  }
}

/**
 * The bytes of a file that is read as a whole.
 *
 * @param most the largest size accepted, in bytes
 * @throws CortadoError when it cannot be read, is not a file, or is larger
 */
export async function readWhole(path: string, what: string, most: number): Promise<Buffer> {
  const { handle, size } = await openFile(path, what);
  try {
    if (size > most) throw userError(`${what} is too large: ${size} bytes, and at most ${most} are read`);
    return await handle.readFile();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw fileError(`cannot read ${what}`, error);
  } finally {
    await handle.close();
  }
}
