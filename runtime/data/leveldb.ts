import { copyFile, readdir, stat, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ClassicLevel as Database } from "classic-level";
import { CortadoError, fileError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { temporaryFolder } from "../leftovers.js";
import { verifyLog } from "./leveldb-log.js";
import type { KeyValue, KeyValueCursor } from "./records.js";

/** Values asked for at once: enough to hide the crossing into native code, few enough for large images. */
const AT_ONCE = 32;
const BYTES_AT_ONCE = 1 << 22;

/** True for a folder that LevelDB wrote. */
export async function isLevelDb(path: string): Promise<boolean> {
  try {
    return (await stat(join(path, "CURRENT"))).isFile();
  } catch {
    return false;
  }
}

/**
 * Opens a LevelDB database for reading. LevelDB itself replays its log, writes a lock, a log and a manifest into the
 * folder it opens, so what it opens is a scratch folder: tables are linked, the few small files that it may
 * replace are copied. The user's folder is never written and may be read-only.
 *
 * @throws CortadoError when it cannot be read or is corrupt
 */
export async function openLevelDb(path: string): Promise<KeyValueCursor> {
  const { path: scratch, remove: discard } = await temporaryFolder("leveldb");
  let database: Database<Uint8Array, Uint8Array>;
  try {
    await mirror(path, scratch);
    database = await openDatabase(scratch);
  } catch (error) {
    await discard();
    const message = `cannot read the LevelDB database ${quotedPath(path)}`;
    throw error instanceof CortadoError
      ? userError(`${message}: ${error.diagnostics[0].message}`)
      : fileError(message, error);
  }
  return cursorOver(path, database, discard);
}

/** Tables never change once written, so a link will do; LevelDB deleting one deletes the link. */
async function mirror(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    const source = resolve(from, name);
    if (/\.(ldb|sst)$/.test(name)) {
      await symlink(source, join(to, name), "file").catch(() => copyFile(source, join(to, name)));
    } else if (/^CURRENT$|^MANIFEST-|\.log$/.test(name)) {
      // Opening a pipe would wait for ever.
      if (!(await stat(source)).isFile()) throw userError(`${quotedPath(source)} is not a file`);
      if (name.endsWith(".log")) await verifyLog(source);
      await copyFile(source, join(to, name));
    }
  }
}

async function openDatabase(folder: string): Promise<Database<Uint8Array, Uint8Array>> {
  const { ClassicLevel } = await import("classic-level");
  const database = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
    createIfMissing: false,
    keyEncoding: "view",
    valueEncoding: "view",
  });
  await database.open();
  return database;
}

function cursorOver(
  path: string,
  database: Database<Uint8Array, Uint8Array>,
  discard: () => Promise<void>,
): KeyValueCursor {
  const open = () => database.iterator({ fillCache: false, highWaterMarkBytes: BYTES_AT_ONCE });
  let iterator = open();
  let fetched: readonly [Uint8Array, Uint8Array][] = [];
  let at = 0;
  const next = async (): Promise<KeyValue | undefined> => {
    if (at >= fetched.length) {
      try {
        fetched = await iterator.nextv(AT_ONCE);
      } catch (error) {
        throw fileError(`${quotedPath(path)}: corrupt LevelDB database`, error);
      }
      at = 0;
      if (fetched.length === 0) return undefined;
    }
    const [key, value] = fetched[at++];
    return { key, value };
  };
  return {
    next,
    skip: async () => (await next()) !== undefined,
    async rewind() {
      await iterator.close();
      iterator = open();
      fetched = [];
      at = 0;
    },
    async close() {
      await iterator.close();
      await database.close();
      await discard();
    },
  };
}
