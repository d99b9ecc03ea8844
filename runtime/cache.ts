import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, lstat, mkdir, open, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { CortadoError, InternalError, userError } from "../proto/errors/index.js";
import { codeOf, troubleOf } from "../proto/words/trouble.js";
import { writeFileAtomically } from "./atomic-file.js";
import { removeUnfinished, temporaryFolder } from "./leftovers.js";

/**
 * What was compiled once, kept by content. An entry is one file: the bytes, then their SHA-256 and a mark. So it
 * appears, and is replaced, in one step, and one that was cut off or changed is known before it is used. A shared
 * object with such an ending can still be loaded.
 */
export interface Cache {
  readonly folder: string;
  /** Set where the user's own folder cannot be written: why. Entries then last as long as the process. */
  readonly temporary?: string;
  /** The path of an entry whose hash is right; undefined where there is none. */
  find(key: string, suffix: string): Promise<string | undefined>;
  /** The bytes of an entry whose hash is right; undefined where there is none. */
  read(key: string, suffix: string): Promise<Uint8Array | undefined>;
  /**
   * Writes an entry, over one of the same name; two processes may do so at once. Where the folder cannot be written
   * (a read-only home, a full disk) the entry goes to a temporary folder that is removed when the process ends.
   *
   * @returns the path of the entry
   * @throws the file system's error where not even a temporary folder can be written
   */
  store(key: string, suffix: string, data: Uint8Array): Promise<string>;
}

const MARK = Buffer.from("cortado1", "latin1");
const HASH_BYTES = 32;
const ENDING = HASH_BYTES + MARK.length;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const WRITABLE_BY_OTHERS = 0o022;

/** `$CORTADO_CACHE`, else `$XDG_CACHE_HOME/cortado`, else `~/.cache/cortado`; undefined where there is no home. */
export function cacheFolder(): string | undefined {
  const { CORTADO_CACHE: given, XDG_CACHE_HOME: shared } = process.env;
  if (given) return resolve(given);
  // The XDG rules: a relative path is to be ignored.
  if (shared && isAbsolute(shared)) return join(shared, "cortado");
  try {
    return join(homedir(), ".cache", "cortado");
  } catch {
    return undefined;
  }
}

/**
 * The user's cache folder, made with mode 0700 where it is missing. What lies in it will be loaded and run, so it must
 * be the user's alone.
 *
 * @throws a user error when the folder is a link, is no folder, belongs to another user, or others may write to it
 */
export async function openCache(): Promise<Cache> {
  const folder = cacheFolder();
  if (folder === undefined) return cacheIn(await folderOfProcess(), "there is no home folder");
  try {
    await makeFolder(folder);
  } catch (error) {
    return cacheIn(await folderOfProcess(), `${folder} cannot be made: ${troubleOf(error)}`);
  }
  await checkCacheFolder(folder);
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return cacheIn(await folderOfProcess(), `${folder} cannot be written: ${troubleOf(error)}`);
  }
  await removeUnfinished(folder, "");
  return cacheIn(folder);
}

/** @throws a user error that says what is wrong with an existing cache folder, and how to mend it */
export async function checkCacheFolder(folder: string): Promise<void> {
  const found = await lstat(folder);
  const elsewhere = "or set CORTADO_CACHE to a folder of your own";
  const refuse = (what: string, hint: string): never => {
    throw userError(`the cache folder ${folder} ${what}: nothing is loaded from it`, hint);
  };
  if (found.isSymbolicLink())
    refuse("is a link", `remove the link, or set CORTADO_CACHE to the folder that is meant`);
  if (!found.isDirectory()) refuse("is not a folder", `move it away, ${elsewhere}`);
  const user = process.getuid?.();
  // Systems without user ids keep a home folder private in ways of their own.
  if (user === undefined) return;
  if (found.uid !== user)
    refuse(
      `belongs to another user (uid ${found.uid}; you are ${user})`,
      `move it away or give it back to you (chown), ${elsewhere}`,
    );
  if ((found.mode & WRITABLE_BY_OTHERS) !== 0)
    refuse(
      `can be written by others (mode ${(found.mode & 0o777).toString(8).padStart(4, "0")})`,
      `look at what is in it, then: chmod 700 ${folder} (${elsewhere})`,
    );
}

/** Why nothing is loaded from the user's cache folder, in a few words; undefined where something is. */
export async function cacheRefused(): Promise<string | undefined> {
  const folder = cacheFolder();
  try {
    if (folder !== undefined) await checkCacheFolder(folder);
    return undefined;
  } catch (error) {
    // One that is not there is made.
    return error instanceof CortadoError ? error.diagnostics[0]?.message : undefined;
  }
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  try {
    await mkdir(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

let temporary: Promise<string> | undefined;

/** A folder of this process alone, removed at its end. */
function folderOfProcess(): Promise<string> {
  temporary ??= temporaryFolder("cache").then(({ path }) => path);
  // One that failed (no room) may be tried again.
  temporary.catch(() => {
    temporary = undefined;
  });
  return temporary;
}

function cacheIn(folder: string, why?: string): Cache {
  const name = (key: string, suffix: string): string => {
    if (!/^[\w-]{1,128}$/.test(key) || !/^(\.\w{1,16}){1,3}$/.test(suffix))
      throw new InternalError(`"${key}${suffix}" is not the name of a cache entry`);
    return `${key}${suffix}`;
  };
  /** Where an entry may lie: what the folder had no room for is in the temporary one. */
  const places = async (file: string): Promise<readonly string[]> =>
    [folder, ...(temporary ? [await temporary.catch(() => folder)] : [])].map((each) => join(each, file));
  const found = async (file: string): Promise<{ path: string; data: Uint8Array } | undefined> => {
    for (const path of new Set(await places(file))) {
      const data = await verified(path);
      if (data) return { path, data };
    }
    return undefined;
  };
  return {
    folder,
    ...(why !== undefined && { temporary: why }),
    find: async (key, suffix) => (await found(name(key, suffix)))?.path,
    read: async (key, suffix) => (await found(name(key, suffix)))?.data,
    async store(key, suffix, data) {
      const file = name(key, suffix);
      const pieces = [data, digest(data), MARK];
      try {
        const path = join(folder, file);
        // A link would be written through; in this folder it is none of ours.
        if ((await lstat(path).catch(() => undefined))?.isSymbolicLink()) await rm(path, { force: true });
        await writeFileAtomically(path, pieces, FILE_MODE);
        return path;
      } catch {
        const path = join(await folderOfProcess(), file);
        await writeFileAtomically(path, pieces, FILE_MODE);
        return path;
      }
    },
  };
}

const digest = (data: Uint8Array): Buffer => createHash("sha256").update(data).digest();

/** The bytes of an entry whose ending is right. A link in the folder is none of ours. */
async function verified(path: string): Promise<Uint8Array | undefined> {
  let bytes: Buffer;
  try {
    const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      bytes = await file.readFile();
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
  if (bytes.length < ENDING || !bytes.subarray(-MARK.length).equals(MARK)) return undefined;
  const data = bytes.subarray(0, bytes.length - ENDING);
  return digest(data).equals(bytes.subarray(data.length, data.length + HASH_BYTES)) ? data : undefined;
}
