import { type FileHandle, open, readlink, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { nameBeside, removeAtExit, removeUnfinishedOf } from "./leftovers.js";

/**
 * Writes a file so that a reader, or a crash, sees either the old content or the whole new one: the bytes go to
 * a file beside it, are forced to the disk, and take the name in one step. On failure nothing is left behind, and what
 * a writer left that was killed is removed. A symbolic link stays one; what is no file (a pipe, `/dev/null`) is written to as it is. `mode`: the permissions;
 * without it those of the file it replaces, or the system's own for a new one.
 *
 * @throws the file system's error (no such folder, no permission, disk full): `fileTrouble` has words for it
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | readonly Uint8Array[] | string,
  mode?: number,
): Promise<void> {
  const pieces: readonly (Uint8Array | string)[] = Array.isArray(bytes) ? bytes : [bytes];
  const target = await behindLinks(path);
  const found = await stat(target).catch(() => undefined);
  if (found && !found.isFile() && !found.isDirectory()) {
    await writeFile(target, pieces);
    return;
  }
  await writeAtomically(
    target,
    async (file) => {
      for (const piece of pieces) await file.writeFile(piece);
    },
    mode,
  );
}

/**
 * As `writeFileAtomically`, of a file that is written piece by piece, at any place in it: `write` is given the open file, which
 * has its name only when that has ended.
 *
 * @throws what `write` throws, or the file system's error
 */
export async function writeAtomically(
  path: string,
  write: (file: FileHandle) => Promise<void>,
  mode?: number,
): Promise<void> {
  const target = await behindLinks(path);
  const found = await stat(target).catch(() => undefined);
  if (found?.isDirectory()) throw Object.assign(new Error("EISDIR: it is a folder"), { code: "EISDIR" });
  const folder = dirname(target);
  const beside = join(folder, nameBeside(basename(target)));
  // Outside of the `try`: a file that could not be made is not ours to remove.
  const file = await open(beside, "wx", mode ?? (found ? found.mode & 0o777 : undefined));
  const { forget } = removeAtExit(beside);
  try {
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    forget();
  }
  await removeUnfinishedOf(folder, basename(target));
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

/** Where a path leads, also where a link at its end leads to a file that is not there yet. */
async function behindLinks(path: string, depth = 0): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const next = depth < MOST_LINKS ? await readlink(path).catch(() => undefined) : undefined;
    return next === undefined ? path : behindLinks(resolve(dirname(path), next), depth + 1);
  }
}

/** As Linux has it: more is a circle. */
const MOST_LINKS = 40;
