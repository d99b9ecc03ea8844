import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

let written = 0;

/**
 * Writes a file so that a reader, or a crash, sees either the old content or the whole new one: the bytes go to
 * a file beside it, are forced to the disk, and take the name in one step. On failure nothing is left behind.
 *
 * @throws the file system's error (no such folder, no permission, disk full)
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | readonly Uint8Array[] | string,
): Promise<void> {
  const folder = dirname(path);
  const beside = join(folder, `.${basename(path)}.${process.pid}.${written++}.part`);
  const pieces = Array.isArray(bytes) ? bytes : [bytes];
  try {
    const file = await open(beside, "wx");
    try {
      for (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the new name durable. Some systems cannot open a folder; there the rename is all there is. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    return;
  }
}
