import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { openLmdb } from "../../../runtime/data/lmdb.js";
import { writeLmdb } from "../../../runtime/data/lmdb-writer.js";
import type { KeyValue } from "../../../runtime/data/records.js";
import { hasPythonLmdb, readByPython } from "../../support/lmdb.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

const folder = mkdtempSync(join(tmpdir(), "cortado-lmdb-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const fresh = (): string => join(folder, `db${count++}`);

async function* each<T>(all: Iterable<T>): AsyncGenerator<T> {
  yield* all;
}

/** So many records, of values of these sizes by turns. */
const numbered = (records: number, ...sizes: readonly number[]): readonly KeyValue[] =>
  Array.from({ length: records }, (_, i) => ({
    key: Buffer.from(String(i).padStart(8, "0")),
    value: Buffer.alloc(sizes[i % sizes.length], i),
  }));

async function readBack(path: string): Promise<readonly KeyValue[]> {
  const cursor = await openLmdb(path);
  const all: KeyValue[] = [];
  for (let one = await cursor.next(); one; one = await cursor.next())
    all.push({ key: one.key.slice(), value: one.value.slice() });
  await cursor.close();
  return all;
}

const shown = (all: readonly KeyValue[]): readonly string[] =>
  all.map(
    ({ key, value }) =>
      `${Buffer.from(key).toString("hex")} ${createHash("sha256").update(value).digest("hex")}`,
  );

const CASES: Readonly<Record<string, readonly KeyValue[]>> = {
  none: [],
  one: numbered(1, 10),
  "MNIST's": numbered(700, 800),
  "a tree of three levels": numbered(60_000, 20),
  "long ones": numbered(50, 5000, 0, 100_000, 4080, 4081),
  "at the limit of what lies in a page": numbered(200, 2020, 2021, 2022, 2023, 2024),
  "long keys": Array.from({ length: 300 }, (_, i) => ({
    key: Buffer.from(String(i).padStart(8, "0").padEnd(511, "_")),
    value: Buffer.alloc(i),
  })),
};

describe("writeLmdb", () => {
  it.each(Object.entries(CASES))("writes what is read again: %s", async (_, records) => {
    const path = fresh();
    expect(await writeLmdb(path, each(records))).toBe(records.length);
    expect(readdirSync(path)).toEqual(["data.mdb"]);
    expect(shown(await readBack(path))).toEqual(shown(records));
  });

  it("writes drawn records", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 120, selector: String }),
        fc.array(fc.nat(9000), { minLength: 1, maxLength: 10 }),
        async (keys, sizes) => {
          const records = keys
            .map((key, i) => ({ key, value: Buffer.alloc(sizes[i % sizes.length], i) }))
            .sort((a, b) => Buffer.compare(a.key, b.key));
          const path = fresh();
          await writeLmdb(path, each(records));
          expect(shown(await readBack(path))).toEqual(shown(records));
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ["do not rise", [..."ba"], 'keys of a database must rise, and "a" follows "b"'],
    ["are alike", [..."aa"], 'keys of a database must rise, and "a" follows "a"'],
    ["are empty", [""], "LMDB's keys have 1 to 511 bytes"],
    ["are too long", ["x".repeat(512)], "LMDB's keys have 1 to 511 bytes"],
  ])("refuses keys that %s, and leaves nothing", async (_, keys, message) => {
    const above = fresh();
    const path = join(above, "in", "folders");
    const records = keys.map((key) => ({ key: Buffer.from(key), value: Buffer.alloc(3) }));
    await expect(writeLmdb(path, each(records))).rejects.toThrow(message);
    expect(existsSync(above)).toBe(false);
  });

  it("leaves alone what is there", async () => {
    const path = fresh();
    mkdirSync(path);
    writeFileSync(join(path, "notes.txt"), "mine");
    await expect(writeLmdb(path, each(numbered(3, 3)))).rejects.toThrow("is there already, with files in it");
    await expect(writeLmdb(join(path, "notes.txt"), each(numbered(3, 3)))).rejects.toThrow("cannot write");
    expect(readdirSync(path)).toEqual(["notes.txt"]);
    await writeLmdb(fresh(), each(numbered(3, 3)));
  });
});

describe.skipIf(!hasPythonLmdb())("Python's lmdb", () => {
  it.each(Object.entries(CASES))("reads and changes what was written: %s", async (_, records) => {
    const path = fresh();
    await writeLmdb(path, each(records));
    // Python changes the file: its size is looked at before.
    const pages = statSync(join(path, "data.mdb")).size / 4096;
    const { stat, records: read, changed } = readByPython(path);
    expect(2 + stat.branch_pages + stat.leaf_pages + stat.overflow_pages).toBe(pages);
    expect(stat.entries).toBe(records.length);
    expect(read.map((pair) => pair.join(" "))).toEqual(shown(records));
    expect(changed.sound).toBe(true);
  });
});

describe.skipIf(!hasOracle())("a database of Caffe's", () => {
  it.each(["mnist_train_lmdb", "mnist_test_png_lmdb"])(
    "%s, written again, has the same records",
    async (name) => {
      const records = await readBack(oraclePath("files", name));
      expect(records.length).toBeGreaterThan(100);
      const path = fresh();
      await writeLmdb(path, each(records));
      expect(shown(await readBack(path))).toEqual(shown(records));
    },
  );
});
