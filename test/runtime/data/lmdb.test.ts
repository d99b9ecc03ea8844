import { cpSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLmdb, openLmdb } from "../../../runtime/data/lmdb.js";
import { openRecords } from "../../../runtime/data/record-sources.js";
import type { KeyValue } from "../../../runtime/data/records.js";
import { drain, mistakeOf } from "../../support/feeds.js";
import { fuzzRuns, mutatedBytes } from "../../support/mutate.js";
import { hasMnist, hasOracle, mnistPath, oraclePath } from "../../support/oracle.js";
import { scratchFolder } from "../../support/scratch.js";

/**
 * Two small databases with branch pages and values on overflow pages, in LMDB's data formats 1 (what Caffe writes) and
 * 2. Record i has the key `%08d_` and 200 times `k`, and 5000 bytes (every seventh) or 20 + i mod 11: 31 · i + j mod
 * 256. In v1 record 3 was deleted by a second transaction.
 */
const fixture = (version: string): string =>
  fileURLToPath(new URL(`../../fixtures/lmdb/${version}`, import.meta.url));
const scratch = scratchFolder();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

async function readAll(path: string): Promise<readonly KeyValue[]> {
  const cursor = await openLmdb(path);
  try {
    const pairs: KeyValue[] = [];
    for (let pair = await cursor.next(); pair; pair = await cursor.next()) pairs.push(pair);
    return pairs;
  } finally {
    await cursor.close();
  }
}

describe("small databases", () => {
  const present = {
    v1: Array.from({ length: 70 }, (_, i) => i).filter((i) => i !== 3),
    v2: Array.from({ length: 70 }, (_, i) => i),
  };

  it.each(["v1", "v2"] as const)("%s: every record, in order, long values too", async (version) => {
    const pairs = await readAll(fixture(version));
    expect(pairs.map(({ key }) => text(key))).toEqual(
      present[version].map((i) => `${String(i).padStart(8, "0")}_${"k".repeat(200)}`),
    );
    for (const [at, { value }] of pairs.entries()) {
      const i = present[version][at];
      const length = i % 7 === 0 ? 5000 : 20 + (i % 11);
      expect(value).toEqual(Uint8Array.from({ length }, (_, j) => (31 * i + j) % 256));
    }
  });

  it("skips, rewinds and counts", async () => {
    const cursor = await openLmdb(fixture("v1"));
    expect(cursor.count).toBe(69);
    for (let i = 0; i < 69; i++) expect(await cursor.skip()).toBe(true);
    expect(await cursor.skip()).toBe(false);
    expect(await cursor.next()).toBeUndefined();
    await cursor.rewind();
    expect(await cursor.skip()).toBe(true);
    expect(text((await cursor.next())!.key).slice(0, 9)).toBe("00000001_");
    await cursor.close();
    await cursor.close();
  });

  it("opens the file itself as well as its folder", async () => {
    expect(await isLmdb(join(fixture("v1"), "data.mdb"))).toBe(true);
    expect(await readAll(join(fixture("v1"), "data.mdb"))).toHaveLength(69);
  });

  it("falls back on the older meta page when the newer one is torn", async () => {
    const bytes = readFileSync(join(fixture("v1"), "data.mdb"));
    bytes[10] = 0; // page 0 is no meta page any more
    // The state before the last transaction: some records had not been written.
    expect(await readAll(scratch.file("torn.mdb", bytes))).toHaveLength(60);
  });

  it("reads a few pages of a file of 64 GiB", async () => {
    const path = scratch.file("large.mdb", readFileSync(join(fixture("v1"), "data.mdb")));
    truncateSync(path, 2 ** 36);
    expect(await readAll(path)).toHaveLength(69);
  });
});

describe("damaged databases", () => {
  const whole = readFileSync(join(fixture("v1"), "data.mdb"));

  it("cut off anywhere, it ends in an explanation", async () => {
    for (const size of [0, 1, 191, 192, 4095, 4096, 8191, 8192, 20_000, 60_000, 102_400, 106_495]) {
      const path = scratch.file("cut.mdb", whole.subarray(0, size));
      expect((await mistakeOf(() => readAll(path)))?.message, `${size} bytes`).toMatch(/cut\.mdb/);
    }
  });

  it.each([
    ["its magic number", 16, /magic number is missing/],
    ["the format's version", 20, /data format 65 is not known/],
    ["the page size", 41, /a page size of/],
    ["the number of records", 16 + 72 + 32 + 7, /records cannot stand in/],
    ["the root", 16 + 72 + 40, /its root is page 89 of 32/],
  ])("says that %s is damaged", async (_, at, expected) => {
    const bytes = Uint8Array.from(whole);
    bytes[at] ^= 0x40;
    expect((await mistakeOf(() => readAll(scratch.file("flip.mdb", bytes))))?.message).toMatch(expected);
  });

  it("a page that leads back to itself is no loop", async () => {
    const bytes = Buffer.from(whole);
    const root = Number(bytes.readBigUInt64LE(16 + 72 + 40)) * 4096;
    // Every child of the root is the root.
    for (let i = 0; i < (bytes.readUInt16LE(root + 12) - 16) / 2; i++)
      bytes.writeUInt16LE(root / 4096, root + bytes.readUInt16LE(root + 16 + 2 * i));
    const mistake = await mistakeOf(() => readAll(scratch.file("loop.mdb", bytes)));
    expect(mistake?.message).toMatch(/page \d+ is used twice/);
  });

  it("a value in the pages of another is refused", async () => {
    const bytes = Buffer.from(whole);
    const keyOf = (i: number): string => `${String(i).padStart(8, "0")}_${"k".repeat(200)}`;
    // After its key stands where a long value lies. Pages that are not in use any more have it too.
    const place = bytes.indexOf(keyOf(0)) + 209;
    for (let at = bytes.indexOf(keyOf(7)); at !== -1; at = bytes.indexOf(keyOf(7), at + 1))
      bytes.copy(bytes, at + 209, place, place + 8);
    const mistake = await mistakeOf(() => readAll(scratch.file("shared.mdb", bytes)));
    expect(mistake?.message).toMatch(/page \d+ is used twice/);
  });

  it("records at another depth than it declares are refused", async () => {
    const bytes = Buffer.from(whole);
    const newest = bytes.readBigUInt64LE(16 + 128) > bytes.readBigUInt64LE(4096 + 16 + 128) ? 0 : 4096;
    bytes.writeUInt16LE(3, newest + 16 + 72 + 6);
    const mistake = await mistakeOf(() => readAll(scratch.file("depth.mdb", bytes)));
    expect(mistake?.message).toMatch(/records at level 2 of the 3 it declares/);
  });

  it("ends with records or with an explanation, whatever the damage", async () => {
    const sources = ["v1", "v2"].map((version) => readFileSync(join(fixture(version), "data.mdb")));
    await fc.assert(
      fc.asyncProperty(mutatedBytes(sources), async (bytes) => {
        const path = scratch.file("damaged.mdb", bytes);
        let read = 0;
        await mistakeOf(async () => {
          read = (await readAll(path)).length;
        });
        expect(read).toBeLessThanOrEqual(Math.ceil(bytes.length / 10));
      }),
      { numRuns: Math.ceil(fuzzRuns / 4) },
    );
  });

  it("ends so with flipped bits too", async () => {
    const flips = fc.array(fc.record({ at: fc.nat(whole.length - 1), bit: fc.nat(7) }), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(flips, async (list) => {
        const bytes = Uint8Array.from(whole);
        for (const { at, bit } of list) bytes[at] ^= 1 << bit;
        const path = scratch.file("bits.mdb", bytes);
        await mistakeOf(() => readAll(path));
      }),
      { numRuns: Math.ceil(fuzzRuns / 4) },
    );
  });

  it("a folder whose data.mdb is damaged is still taken for an LMDB", async () => {
    const folder = join(scratch.path, "folder_lmdb");
    cpSync(fixture("v1"), folder, { recursive: true });
    writeFileSync(join(folder, "data.mdb"), "not a database");
    expect((await mistakeOf(() => openRecords(folder, ".")))?.message).toMatch(
      /data\.mdb" is not an LMDB file: its magic number is missing/,
    );
  });
});

describe.skipIf(!hasOracle() || !hasMnist())("databases that Caffe wrote", () => {
  it.each([
    ["mnist_train_lmdb", 640, "train"],
    ["mnist_test_lmdb", 200, "t10k"],
  ])("%s holds the first %i records of MNIST", async (name, count, split) => {
    const path = oraclePath("files", name);
    const keys = (await readAll(path)).map(({ key }) => text(key));
    expect(keys.map((key) => key.slice(0, 9))).toEqual(
      Array.from({ length: count }, (_, i) => `${String(i).padStart(8, "0")}_`),
    );

    const records = await openRecords(path, ".");
    const real = await openRecords(mnistPath(`${split}-images-idx3-ubyte.gz`), ".");
    expect(records.count).toBe(count);
    for (let i = 0; i < count; i++)
      expect(isDeepStrictEqual(await records.next(), await real.next()), `record ${i}`).toBe(true);
    expect(await records.next()).toBeUndefined();
    await records.close();
    await real.close();
  });

  it("cut short, mnist_train_lmdb gives an explanation and no wrong record", async () => {
    const whole = await readFile(oraclePath("files", "mnist_train_lmdb", "data.mdb"));
    const cursor = await openRecords(oraclePath("files", "mnist_train_lmdb"), ".");
    const sound = await drain(cursor);
    await cursor.close();
    for (const part of [0.1, 0.5, 0.9, 0.999]) {
      const path = scratch.file("mnist.mdb", whole.subarray(0, Math.floor(part * whole.length)));
      let read = 0;
      const mistake = await mistakeOf(async () => {
        const cursor = await openRecords(path, ".");
        try {
          for (let record = await cursor.next(); record; record = await cursor.next())
            expect(isDeepStrictEqual(record, sound[read++]), `record ${read - 1}`).toBe(true);
        } finally {
          await cursor.close();
        }
      });
      expect(mistake !== undefined || read === sound.length, `${part}: ${read} records`).toBe(true);
    }
  });
});
