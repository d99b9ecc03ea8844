import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileError, userError } from "../../proto/errors/index.js";
import { quoted, quotedPath } from "../../proto/words/names.js";
import { Malformed, type Place, take, takeCounted, varint } from "./leveldb-bytes.js";
import { readLog } from "./leveldb-log.js";
import { openTable, type TableWalk, userKey, type Version } from "./leveldb-table.js";
import type { KeyValueCursor } from "./records.js";
import { readWhole } from "./whole-file.js";

/**
 * A read-only reader of LevelDB databases. LevelDB itself takes tables without looking at their checksums, writes into
 * the folder that it opens, and ends the process over some damage; this reader looks at every byte it uses, and leaves
 * the folder as it is.
 *
 *     CURRENT       the name of the manifest
 *     MANIFEST-n    a log of changes: which tables there are, which logs are not in them yet
 *     n.ldb, .sst   tables
 *     n.log         batches: sequence number u64, count u32, and for each: kind u8, key, value
 *
 * A key may stand in several places: the version with the highest sequence number counts.
 */

const LONGEST_NAME = 4096;
const COMPARATOR = "leveldb.BytewiseComparator";
const [DELETED, PUT] = [0, 1];

/** A table, as the manifest notes it. */
interface Table {
  readonly number: number;
  readonly size: number;
  /** The user's part of its first key. */
  readonly smallest: Uint8Array;
}

/** True for a folder that LevelDB wrote. */
export async function isLevelDb(path: string): Promise<boolean> {
  try {
    return (await stat(join(path, "CURRENT"))).isFile();
  } catch {
    return false;
  }
}

/**
 * Opens a LevelDB database for reading. The folder is never written and may be read-only.
 *
 * @throws CortadoError, as the cursor's own functions, when it cannot be read or is corrupt
 */
export async function openLevelDb(path: string): Promise<KeyValueCursor> {
  const cannot = (why: string): never => {
    throw userError(`cannot read the LevelDB database ${quotedPath(path)}: ${why}`);
  };
  const told = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof Malformed) cannot(`${what}: ${error.message}`);
      throw error;
    }
  };
  const title = (name: string): string => `${quoted(name)} of the LevelDB database ${quotedPath(path)}`;
  const current = (await readWhole(join(path, "CURRENT"), title("CURRENT"), LONGEST_NAME)).toString("utf8");
  const [, manifest] = /^(MANIFEST-\d+)\n$/.exec(current) ?? [];
  if (manifest === undefined) return cannot("CURRENT does not name its manifest");
  const names = await readdir(path).catch((error: unknown) => {
    throw fileError(`cannot read the LevelDB database ${quotedPath(path)}`, error);
  });
  if (!names.includes(manifest)) return cannot(`${quoted(manifest)}, which CURRENT names, is not there`);

  const changes = await readLog(join(path, manifest));
  const { tables, isLive } = told("its manifest is corrupt", () => tablesOf(changes));
  const recent: Version[] = [];
  const logs = names.flatMap((name) => {
    const number = Number(/^(\d+)\.log$/.exec(name)?.[1] ?? Number.NaN);
    return isLive(number) ? [{ name, number }] : [];
  });
  for (const { name } of logs.sort((a, b) => a.number - b.number))
    for (const batch of await readLog(join(path, name)))
      for (const version of told(`${quoted(name)} is corrupt`, () => versionsIn(batch))) recent.push(version);

  const places = new Map(
    names.flatMap((name) => {
      const [, number] = /^(\d+)\.(ldb|sst)$/.exec(name) ?? [];
      return number === undefined ? [] : [[Number(number), name] as const];
    }),
  );
  const files = tables.map(({ number, ...table }) => {
    const name = places.get(number);
    return name === undefined ? cannot(`its table ${number} is not there`) : { ...table, name };
  });
  return cursorOver(
    recent.sort(inOrder),
    files.map(({ name, size, smallest }) => ({
      smallest,
      open: () => openTable(join(path, name), size),
    })),
    (what) => cannot(what),
  );
}

/** The tables and the logs that count, after all changes of a manifest. */
function tablesOf(changes: readonly Uint8Array[]): {
  readonly tables: readonly Table[];
  isLive(log: number): boolean;
} {
  if (changes.length === 0) throw new Malformed("it is empty");
  const tables = new Map<string, Table>();
  let log = 0;
  let previousLog = 0;
  for (const bytes of changes) {
    const place: Place = { bytes, at: 0 };
    while (place.at < bytes.length) {
      const tag = varint(place);
      switch (tag) {
        case 1: {
          const name = Buffer.from(takeCounted(place)).toString("latin1");
          if (name !== COMPARATOR) throw new Malformed(`keys in an order of its own, ${quoted(name)}`);
          break;
        }
        case 2:
          log = varint(place);
          break;
        case 3:
        case 4:
          varint(place);
          break;
        case 5:
          varint(place);
          takeCounted(place);
          break;
        case 6:
          tables.delete(`${varint(place)}/${varint(place)}`);
          break;
        case 7: {
          const [level, number, size] = [varint(place), varint(place), varint(place)];
          const smallest = userKey(takeCounted(place));
          takeCounted(place);
          tables.set(`${level}/${number}`, { number, size, smallest });
          break;
        }
        case 9:
          previousLog = varint(place);
          break;
        default:
          throw new Malformed(`a change of kind ${tag}`);
      }
    }
  }
  return {
    tables: [...tables.values()].sort((a, b) => Buffer.compare(a.smallest, b.smallest)),
    isLive: (number) => number >= log || (number === previousLog && number !== 0),
  };
}

function versionsIn(batch: Uint8Array): readonly Version[] {
  const place: Place = { bytes: batch, at: 0 };
  const head = Buffer.from(take(place, 12));
  const sequence = Number(head.readBigUInt64LE(0));
  const versions: Version[] = [];
  while (place.at < batch.length) {
    const kind = batch[place.at++];
    if (kind !== PUT && kind !== DELETED) throw new Malformed(`a change of kind ${kind}`);
    const key = takeCounted(place);
    const value = kind === PUT ? takeCounted(place) : undefined;
    versions.push({ key, sequence: sequence + versions.length, value });
  }
  if (versions.length !== head.readUInt32LE(8)) throw new Malformed("a batch of another number of changes");
  return versions;
}

const inOrder = (a: Version, b: Version): number => Buffer.compare(a.key, b.key) || b.sequence - a.sequence;

/** A table that is walked: its next version, and where the ones after that come from. */
interface Walk {
  head: Version;
  readonly rest: TableWalk;
}

/**
 * A walk over all versions by key, of which it gives the newest of each. A table is opened when the walk comes to its
 * first key, and closed after its last: of a database of any size few are open.
 */
function cursorOver(
  recent: readonly Version[],
  tables: readonly { readonly smallest: Uint8Array; readonly open: () => Promise<TableWalk> }[],
  corrupt: (what: string) => never,
): KeyValueCursor {
  let fromLog = 0;
  let opened = 0;
  let walks: readonly Walk[] = [];
  let last: Uint8Array | undefined;

  const step = async (walk: Walk): Promise<void> => {
    const next = await walk.rest.next();
    if (next === undefined) {
      walks = walks.filter((other) => other !== walk);
      await walk.rest.close();
      return;
    }
    if (inOrder(walk.head, next) >= 0) corrupt("keys of a table do not rise");
    walk.head = next;
  };
  const openUpTo = async (key: Uint8Array | undefined): Promise<boolean> => {
    if (opened >= tables.length) return false;
    const { smallest, open } = tables[opened];
    if (key !== undefined && Buffer.compare(smallest, key) > 0) return false;
    opened++;
    const rest = await open();
    try {
      const head = await rest.next();
      if (head === undefined || Buffer.compare(head.key, smallest) !== 0)
        corrupt("a table does not begin as it was noted");
      else walks = [...walks, { head, rest }];
    } catch (error) {
      await rest.close();
      throw error;
    }
    return true;
  };
  /** The next version of all, in order. */
  const advance = async (): Promise<Version | undefined> => {
    const leastWalk = (): Walk | undefined =>
      walks.reduce<Walk | undefined>(
        (least, walk) => (least === undefined || inOrder(walk.head, least.head) < 0 ? walk : least),
        undefined,
      );
    const inLog = recent.at(fromLog);
    for (;;) {
      const walk = leastWalk();
      const least = walk && (!inLog || inOrder(walk.head, inLog) < 0) ? walk.head : inLog;
      if (await openUpTo(least?.key)) continue;
      if (least === undefined) return undefined;
      if (walk && least === walk.head) await step(walk);
      else fromLog++;
      return least;
    }
  };
  const next = async (): Promise<{ key: Uint8Array; value: Uint8Array } | undefined> => {
    for (let found = await advance(); found; found = await advance()) {
      const { key, value } = found;
      if (last !== undefined && Buffer.compare(last, key) === 0) continue;
      last = key;
      if (value !== undefined) return { key, value };
    }
    return undefined;
  };
  const close = async (): Promise<void> => {
    for (const { rest } of walks) await rest.close();
    walks = [];
  };
  return {
    next,
    skip: async () => (await next()) !== undefined,
    async rewind() {
      await close();
      fromLog = 0;
      opened = 0;
      last = undefined;
    },
    close,
  };
}
