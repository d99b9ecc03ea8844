import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, lstat, mkdir, open, readdir, readFile, readlink, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileError, userError } from "../../proto/errors/index.js";
import { quotedPath, unquoted } from "../../proto/words/names.js";
import { codeOf } from "../../proto/words/trouble.js";
import { MANIFEST_FORMAT, type ManifestFile, manifestFiles } from "../../runtime/artefact/manifest.js";
import { writeFileAtomically } from "../../runtime/atomic-file.js";
import { removeUnfinished } from "../../runtime/leftovers.js";
import { BUILT_MARK } from "./built-mark.js";

/** A file of a build, by its path in the folder, with `/`. */
export interface BuiltFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Whether a folder can be built into, before any work is done for it. Nothing is made. It may be a link to a folder.
 *
 * @throws CortadoError where it is a file, or lies below one, or may not be written to, or has somebody's own files
 */
export async function checkFolder(out: string): Promise<void> {
  await refuseForeign(out);
  for (let path = resolve(out); ; path = dirname(path)) {
    const found = await stat(path).catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return undefined;
      if (codeOf(error) === "ENOTDIR") return undefined;
      throw fileError(`cannot write to ${quotedPath(out)}`, error);
    });
    if (!found) {
      const behind = await readlink(path).catch(() => undefined);
      if (behind !== undefined)
        throw userError(
          `cannot build into ${quotedPath(out)}: ${quotedPath(path)} is a link to ${quotedPath(behind)}, which is not there`,
          "make that folder, or remove the link",
        );
      if (path === dirname(path))
        throw userError(`cannot write to ${quotedPath(out)}: there is no such folder`);
      continue;
    }
    if (!found.isDirectory())
      throw userError(
        path === resolve(out)
          ? `cannot build into ${quotedPath(out)}: it is a file`
          : `cannot build into ${quotedPath(out)}: ${quotedPath(path)} is a file`,
        "--out names a folder",
      );
    await access(path, constants.W_OK | constants.X_OK).catch((error: unknown) => {
      throw fileError(`cannot write to ${quotedPath(out)}`, error);
    });
    return;
  }
}

/**
 * Writes the files of a build, in their order, each whole or not at all. Files of an earlier build are replaced,
 * and its kernels that the new one has not are removed. A folder that is not empty and of no build is somebody's own, and so
 * is what a link in it leads to: then nothing is written.
 *
 * @throws CortadoError where the folder is not of a build, or a file cannot be written
 */
export async function writeFolder(out: string, files: readonly BuiltFile[]): Promise<void> {
  await refuseForeign(out);
  await refuseObstacles(out, files);
  const earlier = await filesOfEarlier(out);
  for (const { path, bytes } of files) {
    const at = join(out, path);
    try {
      await mkdir(dirname(at), { recursive: true });
      await writeFileAtomically(at, bytes);
    } catch (error) {
      throw fileError(
        `cannot write ${quotedPath(at)}`,
        error,
        "the build is not complete: without its manifest.json, or with one of another build, it does not load",
      );
    }
  }
  await removeLeftOver(out, files, earlier);
  // Below the folder itself there is nothing but what builds wrote.
  for (const folder of foldersWithin(files)) await removeUnfinished(join(out, folder), "");
}

/** What a build wrote into folders of its own; elsewhere its names are always the same. */
const LEFT_OVER = /^(kernels\/\w+\/[\w-]+\.(cubin|so)|kernels\/\w+\.(wasm|txt)|lib\/cortado-[\w-]+\.node)$/;

/** The files that the manifest of an earlier build names; none where it does not say so soundly. */
async function filesOfEarlier(out: string): Promise<readonly ManifestFile[]> {
  try {
    return manifestFiles(await readFile(join(out, "manifest.json")), undefined);
  } catch {
    return [];
  }
}

/** Removes kernels and libraries of an earlier build that the new one has not, as far as they are as they were written. */
async function removeLeftOver(
  out: string,
  files: readonly BuiltFile[],
  earlier: readonly ManifestFile[],
): Promise<void> {
  const written = new Set(files.map(({ path }) => path));
  for (const { path, sha256 } of earlier) {
    if (written.has(path) || !LEFT_OVER.test(path)) continue;
    const at = join(out, path);
    const bytes = await readFile(at).catch(() => undefined);
    if (!bytes || createHash("sha256").update(bytes).digest("hex") !== sha256) continue;
    // What cannot be removed does no harm, as the manifest does not name it; folders go when they are empty.
    await rm(at).catch(() => undefined);
    for (const folder of foldersOf(path).reverse()) await rmdir(join(out, folder)).catch(() => undefined);
  }
}

/** The folders that a path of a build leads through: "kernels", "kernels/sm_80". */
const foldersOf = (path: string): string[] => {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
};

const foldersWithin = (files: readonly BuiltFile[]): ReadonlySet<string> =>
  new Set(files.flatMap(({ path }) => foldersOf(path)));

/** Files that are no build's, in a folder that no build made. Hidden ones (.gitkeep, .git) are no obstacle. */
async function refuseForeign(out: string): Promise<void> {
  const found = await readdir(out).catch((): string[] => []);
  const names = found.filter((name) => !name.startsWith(".")).sort();
  if (names.length === 0 || (await isBuilt(out))) return;
  const shown = names.slice(0, MOST_SHOWN).map((name) => unquoted(name, 40));
  const rest = names.length - shown.length;
  throw userError(
    `${quotedPath(out)} has files that no build wrote: ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`,
    "build into another folder, or move them away",
  );
}

const MOST_SHOWN = 5;

/** What stands where a file or folder of the build is to be: never is anything written through a link. */
async function refuseObstacles(out: string, files: readonly BuiltFile[]): Promise<void> {
  const places = [
    ...[...foldersWithin(files)].map((path) => ({ path, kind: "folder" as const })),
    ...files.map(({ path }) => ({ path, kind: "file" as const })),
  ];
  for (const { path, kind } of places) {
    const at = join(out, path);
    const found = await lstat(at).catch(() => undefined);
    if (!found || (kind === "folder" ? found.isDirectory() : found.isFile())) continue;
    throw found.isSymbolicLink()
      ? userError(
          `cannot write ${quotedPath(at)}: it is a link, and a build writes into its own folder only`,
          "remove the link, or build into another folder",
        )
      : userError(`cannot write ${quotedPath(at)}: it is not a ${kind}`);
  }
}

/** Whether a folder holds a build, if only a half-finished one: net.d.ts is written first and the manifest last. */
async function isBuilt(out: string): Promise<boolean> {
  const manifest = await readFile(join(out, "manifest.json"), "utf8").catch(() => "");
  if (manifest.slice(0, 200).includes(`"format": "${MANIFEST_FORMAT}"`)) return true;
  return (await firstBytes(join(out, "net.d.ts"))).includes(BUILT_MARK);
}

async function firstBytes(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const bytes = new Uint8Array(200);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      return Buffer.from(bytes.subarray(0, bytesRead)).toString("utf8");
    } finally {
      await file.close();
    }
  } catch {
    return "";
  }
}
