import { randomBytes } from "node:crypto";
import { open, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Of the file's own name, this much is kept in that of the file beside it: systems limit names to 255 bytes. */
const LONGEST_STEM = 40;

/**
 * Writes a file so that a reader, or a crash, sees either the old content or the whole new one: the bytes go to
 * a file beside it, are forced to the disk, and take the name in one step. On failure nothing is left behind. A
 * symbolic link stays one; what is no file (a pipe, `/dev/null`) is written to as it is. `mode`: the permissions;
 * without it those of the file it replaces, or the system's own for a new one.
 *
 * @throws the file system's error (no such folder, no permission, disk full): `fileTrouble` has words for it
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | readonly Uint8Array[] | string,
  mode?: number,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const found = await stat(target).catch(() => undefined);
  if (found?.isDirectory()) throw Object.assign(new Error("EISDIR: it is a folder"), { code: "EISDIR" });
  const pieces: readonly (Uint8Array | string)[] = Array.isArray(bytes) ? bytes : [bytes];
  if (found && !found.isFile()) {
    await writeFile(target, pieces);
    return;
  }
  const folder = dirname(target);
  const stem = basename(target).slice(0, LONGEST_STEM);
  const beside = join(folder, `.${stem}.${randomBytes(6).toString("hex")}.part`);
  // Outside of the `try`: a file that could not be made is not ours to remove.
  const file = await open(beside, "wx", mode ?? (found ? found.mode & 0o777 : undefined));
  try {
    try {
      for (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, target);
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
