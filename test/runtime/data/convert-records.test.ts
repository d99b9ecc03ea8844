import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openLmdb } from "../../../runtime/data/lmdb.js";
import {
  computeMean,
  convertCifar10,
  convertMnist,
  convertRecords,
  openDataset,
} from "../../../src/index.js";
import { hasPythonLmdb, readByPython } from "../../support/lmdb.js";
import { hasMnist, hasOracle, mnistRoot, oraclePath } from "../../support/oracle.js";

const folder = mkdtempSync(join(tmpdir(), "cortado-convert-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const fresh = (): string => join(folder, `made${count++}`);

/** `encoded: false`, which convert_imageset writes and convert_mnist_data does not. */
const NOT_ENCODED = /3800$/;
/** Values as they are stored, without what is the default. */
const plain = (all: readonly string[]): readonly string[] =>
  all.map((one) => one.split(" ")[1].replace(NOT_ENCODED, ""));

/** Keys, and values as they are stored. */
async function stored(path: string, most = Number.POSITIVE_INFINITY): Promise<readonly string[]> {
  const cursor = await openLmdb(path);
  const all: string[] = [];
  for (let one = await cursor.next(); one && all.length < most; one = await cursor.next())
    all.push(`${Buffer.from(one.key)} ${Buffer.from(one.value).toString("hex")}`);
  await cursor.close();
  return all;
}

describe.skipIf(!hasMnist() || !hasOracle())("convertMnist", () => {
  it("makes the records that Caffe's tools made, byte for byte", async () => {
    const out = fresh();
    const told: number[] = [];
    const made = await convertMnist(mnistRoot, out, { progress: ({ done }) => void told.push(done) });
    expect(made).toEqual([
      { out: join(out, "mnist_train_lmdb"), records: 60_000 },
      { out: join(out, "mnist_test_lmdb"), records: 10_000 },
    ]);
    expect(told).toHaveLength(70);
    for (const [name, records] of [
      ["mnist_train_lmdb", 640],
      ["mnist_test_lmdb", 200],
    ] as const) {
      const theirs = await stored(oraclePath("files", name));
      expect(theirs).toHaveLength(records);
      const ours = await stored(join(out, name), records);
      expect(ours[7]).toMatch(/^00000007 /);
      expect(plain(ours)).toEqual(plain(theirs));
    }
  });
});

describe.skipIf(!hasOracle())("computeMean", () => {
  it("writes the file that Caffe's tool wrote, byte for byte", async () => {
    const out = join(folder, "mean.binaryproto");
    const mean = await computeMean(oraclePath("files", "mnist_train_lmdb"), { out });
    expect(readFileSync(out).equals(readFileSync(oraclePath("files", "mean.binaryproto")))).toBe(true);
    expect([mean.shape, mean.records, mean.channels.length]).toEqual([[1, 28, 28], 640, 1]);
  });

  it("decodes images, and tells of one of another size", async () => {
    const { shape, channels } = await computeMean(oraclePath("files", "mnist_test_png_lmdb"));
    const plain = await computeMean(oraclePath("files", "mnist_test_lmdb"));
    expect(shape).toEqual([1, 28, 28]);
    expect(channels[0]).toBeCloseTo(plain.channels[0], 3);
  });
});

describe("convertRecords", () => {
  it("keeps what the source holds", async () => {
    const out = fresh();
    expect(await convertRecords("builtin:digits/test", out, { records: 300 })).toEqual({ out, records: 300 });
    const [own, source] = [await openDataset(out), await openDataset("builtin:digits/test")];
    expect([own.count, own.shape]).toEqual([300, source.shape]);
    for (let i = 0; i < 300; i++) expect(await own.next()).toEqual(await source.next());
    await own.close();
    await source.close();
    // Once more, from the database itself.
    const again = fresh();
    await convertRecords(out, again);
    expect(await stored(again)).toEqual(await stored(out));
  });

  it.skipIf(!hasOracle())("reads a LevelDB", async () => {
    const out = fresh();
    await convertRecords(oraclePath("files", "mnist_test_leveldb"), out);
    expect(plain(await stored(out))).toEqual(plain(await stored(oraclePath("files", "mnist_test_lmdb"))));
  });

  it.skipIf(!hasPythonLmdb())("is read by Python", async () => {
    const out = fresh();
    await convertRecords("builtin:digits/train", out, { records: 2500 });
    const ours = plain(await stored(out));
    const { records, changed } = readByPython(out);
    expect(records.map(([, sha256]) => sha256)).toEqual(
      ours.map((hex) => createHash("sha256").update(Buffer.from(hex, "hex")).digest("hex")),
    );
    expect(changed.sound).toBe(true);
  });

  it("writes nothing where the source cannot be read", async () => {
    const out = fresh();
    await expect(convertRecords(join(folder, "none"), out)).rejects.toThrow("is not there");
    await expect(convertRecords("builtin:digits/nope", out)).rejects.toThrow("there is no built-in data");
    expect(existsSync(out)).toBe(false);
  });
});

describe("convertCifar10", () => {
  /** Batches of two pictures each. */
  function batches(label = (i: number): number => i % 10): string {
    const at = join(fresh(), "cifar-10-batches-bin");
    mkdirSync(at, { recursive: true });
    for (const [i, name] of [...[1, 2, 3, 4, 5].map((n) => `data_batch_${n}`), "test_batch"].entries())
      writeFileSync(
        join(at, `${name}.bin`),
        Buffer.concat(
          [2 * i, 2 * i + 1].map((n) => Buffer.concat([Buffer.of(label(n)), Buffer.alloc(3072, n)])),
        ),
      );
    return join(at, "..");
  }

  it("makes both databases, with keys of five digits", async () => {
    const out = fresh();
    const made = await convertCifar10(batches(), out);
    expect(made.map(({ records }) => records)).toEqual([10, 2]);
    const keys = (await stored(join(out, "cifar10_train_lmdb"))).map((one) => one.split(" ")[0]);
    expect(keys).toEqual(Array.from({ length: 10 }, (_, i) => `0000${i}`));
    const set = await openDataset(join(out, "cifar10_test_lmdb"));
    const { channels, height, width, label, data } = await set.next();
    expect([channels, height, width, label, data[0], data[3071]]).toEqual([3, 32, 32, 0, 10, 10]);
    await set.close();
  });

  it("refuses what is none of its batches, before anything is written", async () => {
    const out = fresh();
    const cut = batches();
    writeFileSync(join(cut, "cifar-10-batches-bin", "test_batch.bin"), Buffer.alloc(3000));
    await expect(convertCifar10(cut, out)).rejects.toThrow(
      "its 3000 bytes are no whole number of pictures of 3073",
    );
    const missing = batches();
    rmSync(join(missing, "cifar-10-batches-bin", "data_batch_4.bin"));
    await expect(convertCifar10(missing, out)).rejects.toThrow("data_batch_4.bin");
    expect(existsSync(out)).toBe(false);
    await expect(
      convertCifar10(
        batches((i) => (i === 3 ? 77 : 0)),
        out,
      ),
    ).rejects.toThrow("picture 1 has label 77, and there are 10 classes");
    expect(existsSync(join(out, "cifar10_train_lmdb"))).toBe(false);
  });
});

it("tells of images of several sizes", async () => {
  const { writeLmdb } = await import("../../../runtime/data/lmdb-writer.js");
  const { encodeDatum } = await import("../../../runtime/data/datum.js");
  const out = fresh();
  await writeLmdb(
    out,
    (async function* () {
      for (const side of [2, 3])
        yield {
          key: Buffer.from(String(side)),
          value: encodeDatum({
            channels: 1,
            height: side,
            width: side,
            label: 0,
            data: new Uint8Array(side * side),
          }),
        };
    })(),
  );
  await expect(computeMean(out)).rejects.toThrow("is 1×3×3, and those before it are 1×2×2");
});
