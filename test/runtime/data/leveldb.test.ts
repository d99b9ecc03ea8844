import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../../proto/index.js";
import { openLevelDb } from "../../../runtime/data/leveldb.js";
import { openRecords } from "../../../runtime/data/record-sources.js";
import type { StoredRecord } from "../../../runtime/data/records.js";
import { drain, mistakeOf } from "../../support/feeds.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();

const datum = (i: number): Uint8Array =>
  encodeMessage("Datum", {
    channels: 1,
    height: 4,
    width: 64,
    data: Uint8Array.from({ length: 256 }, (_, j) => (i * 31 + j * j) % 256),
    label: i % 10,
  });

/** A database of `count` records; with `compact` they stand in tables, else in the log. */
async function written(name: string, count: number, compact = false): Promise<string> {
  const folder = join(scratch.path, name);
  const database = new ClassicLevel<string, Uint8Array>(folder, { valueEncoding: "view" });
  for (let i = 0; i < count; i++) await database.put(String(i).padStart(8, "0"), datum(i));
  if (compact) await database.compactRange("0", "9");
  await database.close();
  return folder;
}

async function readAll(path: string): Promise<readonly StoredRecord[]> {
  const cursor = await openRecords(path, ".");
  try {
    return await drain(cursor);
  } finally {
    await cursor.close();
  }
}

// A place of its own for temporary files: other tests open databases at the same time.
const temporary = join(scratch.path, "tmp");
mkdirSync(temporary);
for (const name of ["TMPDIR", "TEMP", "TMP"]) process.env[name] = temporary;
const leftovers = (): readonly string[] => readdirSync(temporary);

/** Names, sizes, times and contents of a folder's files. */
const stateOf = (folder: string): unknown =>
  readdirSync(folder).map((name) => {
    const { size, mtimeMs, ino } = statSync(join(folder, name));
    return { name, size, mtimeMs, ino, content: readFileSync(join(folder, name)).toString("base64") };
  });

/** A copy of a database with one file changed. */
function damaged(from: string, file: RegExp, change: (bytes: Buffer) => Uint8Array): string {
  const folder = join(scratch.path, "damaged");
  rmSync(folder, { recursive: true, force: true });
  cpSync(from, folder, { recursive: true });
  const name = join(folder, readdirSync(folder).find((one) => file.test(one))!);
  chmodSync(name, 0o644);
  writeFileSync(name, change(readFileSync(name)));
  return folder;
}

const flipped =
  (at: number, bit = 0x10) =>
  (bytes: Buffer): Uint8Array => {
    bytes[at] ^= bit;
    return bytes;
  };

describe("reading", () => {
  it.each([
    ["in the log", false],
    ["in tables", true],
  ])("records %s come in order, and the folder stays as it is", async (_, compact) => {
    const folder = await written(`sound-${compact}`, 300, compact);
    chmodSync(folder, 0o555);
    const before = stateOf(folder);
    const records = await readAll(folder);
    expect(records.map(({ label }) => label)).toEqual(Array.from({ length: 300 }, (_, i) => i % 10));
    expect(stateOf(folder)).toEqual(before);
    chmodSync(folder, 0o755);
  });

  it("skips and rewinds; close may be called twice, and nothing is written elsewhere", async () => {
    const folder = await written("walk", 40);
    const before = leftovers();
    const cursor = await openRecords(folder, ".");
    for (let i = 0; i < 40; i++) expect(await cursor.skip()).toBe(true);
    expect(await cursor.skip()).toBe(false);
    await cursor.rewind();
    await cursor.skip();
    expect((await cursor.next())?.label).toBe(1);
    await cursor.close();
    expect(leftovers()).toEqual(before);
    await cursor.close();
  });

  it("two readers at once do not see each other", async () => {
    const folder = await written("shared", 10);
    const [one, two] = await Promise.all([openRecords(folder, "."), openRecords(folder, ".")]);
    expect((await one.next())?.label).toBe(0);
    expect((await two.next())?.label).toBe(0);
    expect((await one.next())?.label).toBe(1);
    await Promise.all([one.close(), two.close()]);
  });
});

describe("damage", () => {
  it.each([
    ["a bit of the log", /\.log$/, flipped(20_000), /corrupt log .*a damaged record at byte/],
    ["the log's first byte", /\.log$/, flipped(0), /a damaged record at byte 0/],
    ["a length in the log", /\.log$/, flipped(5), /a damaged record at byte 0/],
    ["a bit of the manifest", /^MANIFEST/, flipped(20), /corrupt log .*MANIFEST.*a damaged record at byte 0/],
    ["the whole manifest", /^MANIFEST/, () => new Uint8Array(0), /cannot read the LevelDB database/],
    ["the name in CURRENT", /^CURRENT$/, flipped(3), /cannot read the LevelDB database/],
    ["all of CURRENT", /^CURRENT$/, () => new Uint8Array(0), /cannot read the LevelDB database/],
  ])("of %s is explained, and nothing is left behind", async (_, file, change, expected) => {
    const sound = await written("to-damage", 300);
    const before = leftovers();
    const folder = damaged(sound, file, change);
    expect((await mistakeOf(() => readAll(folder)))?.message).toMatch(expected);
    expect(leftovers()).toEqual(before);
  });

  it("of any bit of a table is refused", async () => {
    const folder = join(scratch.path, "small");
    const database = new ClassicLevel(folder);
    for (let i = 0; i < 6; i++) await database.put(`key ${i}`, "value ".repeat(i));
    await database.compactRange("k", "l");
    await database.close();
    const table = join(folder, readdirSync(folder).find((name) => /\.ldb$/.test(name))!);
    const whole = readFileSync(table);
    const readPairs = async (): Promise<number> => {
      const cursor = await openLevelDb(folder);
      try {
        for (let count = 0; ; count++) if (!(await cursor.next())) return count;
      } finally {
        await cursor.close();
      }
    };
    expect(await readPairs()).toBe(6);
    // Each byte once, of its bits one after the other; all bits were tried when this was written.
    for (const at of whole.keys()) {
      writeFileSync(table, flipped(at, 1 << (at % 8))(Buffer.from(whole)));
      expect((await mistakeOf(readPairs))?.message, `byte ${at}`).toMatch(/corrupt table .*LevelDB/);
    }
    writeFileSync(table, whole.subarray(0, 100));
    expect((await mistakeOf(readPairs))?.message).toMatch(/it has 100 bytes, and \d+ were written/);
  });

  it("of the length of a record in the log is not taken for an interrupted writer", async () => {
    const sound = await written("lengths", 3);
    const log = readFileSync(join(sound, readdirSync(sound).find((name) => /\.log$/.test(name))!));
    // Parts begin where the ones before end; the last one is tried too.
    for (let at = 0; at + 7 < log.length; at += 7 + log.readUInt16LE(at + 4)) {
      const folder = damaged(sound, /\.log$/, flipped(at + 5));
      expect((await mistakeOf(() => readAll(folder)))?.message).toMatch(`a damaged record at byte ${at}`);
    }
  });

  it("over which LevelDB itself ends the process is refused", async () => {
    const folder = new URL("../../fixtures/leveldb/damaged-block", import.meta.url).pathname;
    expect((await mistakeOf(() => readAll(folder)))?.message).toMatch(
      /the block at byte 0: its checksum is wrong/,
    );
  });

  it("a table that is missing", async () => {
    const gone = await written("gone", 3, true);
    rmSync(join(gone, readdirSync(gone).find((name) => /\.ldb$/.test(name))!));
    expect((await mistakeOf(() => readAll(gone)))?.message).toMatch(/its table \d+ is not there/);
  });

  it("a log cut off in its last record is what an interrupted writer leaves: the rest is read", async () => {
    const sound = await written("interrupted", 300);
    const folder = damaged(sound, /\.log$/, (bytes) => bytes.subarray(0, bytes.length - 3));
    expect(await readAll(folder)).toHaveLength(299);
  });

  it("a folder in the place of the log is explained", async () => {
    const folder = await written("folder-log", 3);
    const log = readdirSync(folder).find((name) => name.endsWith(".log"))!;
    rmSync(join(folder, log));
    mkdirSync(join(folder, log));
    expect((await mistakeOf(() => readAll(folder)))?.message).toMatch(/\.log" is not a file/);
  });
});

/** Puts and deletes at random, so that keys stand in several tables and in the log; equal to LevelDB's own reading. */
it.each([true, false])("the newest version of each key counts, compression %s", async (compression) => {
  const folder = join(scratch.path, `versions-${compression}`);
  const options = { keyEncoding: "view", valueEncoding: "view", compression, blockSize: 300 } as const;
  const database = new ClassicLevel<Uint8Array, Uint8Array>(folder, { ...options, writeBufferSize: 65536 });
  const [numbers] = fc.sample(fc.array(fc.nat(), { minLength: 6000, maxLength: 6000 }), {
    numRuns: 1,
    seed: 7,
  });
  for (let i = 0; i < numbers.length; i += 60)
    await database.batch(
      numbers.slice(i, i + 60).map((n) => {
        const key = Buffer.from(String(n % 800).padStart(n % 5, "0"));
        if (n % 4 === 0) return { type: "del", key };
        const length = [0, 10, 300, n % 16 === 1 ? 70_000 : 40][(n >> 4) % 4];
        return { type: "put", key, value: new Uint8Array(length).map((_, j) => (n % 2 ? j * n : j >> 5)) };
      }),
    );
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const expected: string[] = [];
  for await (const [key, value] of database.iterator()) expected.push(`${hex(key)} ${hex(value)}`);
  await database.close();
  expect(readdirSync(folder).filter((name) => name.endsWith(".ldb")).length).toBeGreaterThan(1);
  const cursor = await openLevelDb(folder);
  const found: string[] = [];
  for (let pair = await cursor.next(); pair; pair = await cursor.next())
    found.push(`${hex(pair.key)} ${hex(pair.value)}`);
  await cursor.close();
  expect(found).toEqual(expected);
});

describe.skipIf(!hasOracle())("the LevelDB that Caffe wrote", () => {
  it("holds the same 200 records as the LMDB", async () => {
    const folder = oraclePath("files", "mnist_test_leveldb");
    const before = stateOf(folder);
    expect(await readAll(folder)).toEqual(await readAll(oraclePath("files", "mnist_test_lmdb")));
    expect(stateOf(folder)).toEqual(before);
  });
});
