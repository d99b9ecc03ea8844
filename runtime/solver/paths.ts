import { access, constants, stat } from "node:fs/promises";
import { basename, dirname, extname, isAbsolute, join, parse, resolve } from "node:path";
import { fileError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { codeOf, isRefusal } from "../../proto/words/trouble.js";
import { removeUnfinished } from "../leftovers.js";

/** The first of a path's places that exists; undefined where none does. An absolute path has one place only. */
export async function existing(path: string, folders: readonly string[]): Promise<string | undefined> {
  for (const place of isAbsolute(path) ? [path] : folders.map((folder) => resolve(folder, path)))
    if (await exists(place)) return place;
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    // What may not be looked at is there, and reading it says why it cannot be read.
    return isRefusal(error);
  }
}

/**
 * Where snapshots go. Without a prefix they are named after the solver's file and lie beside it; a prefix that is
 * a folder gets the file's name, as in Caffe. A relative prefix counts from the first of `folders` that has its
 * folder. Without a file the name is `snapshot`.
 */
export async function snapshotPrefix(
  prefix: string,
  solverFile: string | undefined,
  folders: readonly string[],
): Promise<string> {
  const name = solverFile === undefined ? "snapshot" : basename(solverFile, extname(solverFile));
  if (prefix === "")
    return solverFile === undefined ? resolve(folders[0], name) : join(dirname(solverFile), name);
  const folder = await existing(prefix, folders);
  if (folder !== undefined && (await stat(folder)).isDirectory()) return join(folder, name);
  // "snaps/" is a folder, if one that is not there.
  if (/[/\\]$/.test(prefix)) return resolve(folders[0], prefix, name);
  const above = await existing(parse(prefix).dir || ".", folders);
  return above === undefined ? resolve(folders[0], prefix) : join(above, parse(prefix).base);
}

/** Removes what snapshots of this prefix were left unfinished by trainings that were killed. */
export const clearPrefix = (prefix: string): Promise<void> =>
  removeUnfinished(dirname(prefix), `${basename(prefix)}_iter_`);

/** @throws CortadoError where files beginning with the prefix cannot be written */
export async function checkPrefix(prefix: string): Promise<void> {
  const folder = dirname(prefix);
  const found = await stat(prefix).catch(() => undefined);
  if (found && !found.isFile() && !found.isDirectory())
    throw userError(
      `snapshots cannot be written to ${quotedPath(prefix)}: it is a device`,
      "snapshot_after_train: false and no snapshot interval leave them out",
    );
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const message = `snapshots cannot be written to ${quotedPath(prefix)}`;
    throw codeOf(error) === "ENOENT"
      ? userError(
          `${message}: there is no folder ${quotedPath(folder)}`,
          "make the folder first, or set another snapshot_prefix",
        )
      : fileError(`${message}: ${quotedPath(folder)}`, error);
  }
}

/** Where weights are that a state names: a path in it is that of the machine it was written on. */
export async function besideState(model: string, state: string): Promise<string> {
  const folder = dirname(state);
  return (
    (await existing(model, [process.cwd(), folder])) ??
    (await existing(join(folder, basename(model)), [process.cwd()])) ??
    model
  );
}
