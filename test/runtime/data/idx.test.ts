import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openIdx } from "../../../runtime/data/idx.js";
import { openRecords } from "../../../runtime/data/record-sources.js";
import type { PlainRecord } from "../../../runtime/data/records.js";
import { drain, mistakeOf } from "../../support/feeds.js";
import { hasMnist, mnistPath } from "../../support/oracle.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();

/** An idx file of bytes: 0, 0, type 8, number of axes, extents, values. */
function idx(shape: readonly number[], values?: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  for (const [axis, extent] of shape.entries()) header.writeUInt32BE(extent, 4 + 4 * axis);
  const count = shape.reduce((a, b) => a * b, 1);
  return Buffer.concat([header, values ?? Uint8Array.from({ length: count }, (_, i) => i % 251)]);
}

/** Writes files into a folder of their own; returns the path of the images. */
function pair(
  folder: string,
  images: Uint8Array,
  labels?: Uint8Array,
  [imagesName, labelsName]: readonly string[] = ["x-images-idx3-ubyte", "x-labels-idx1-ubyte"],
): string {
  mkdirSync(join(scratch.path, folder));
  if (labels) scratch.file(join(folder, labelsName), labels);
  return scratch.file(join(folder, imagesName), images);
}

const THREE = Uint8Array.of(7, 8, 9);
const mistakeIn = async (path: string): Promise<string | undefined> =>
  (await mistakeOf(async () => drain(await openIdx(path))))?.message;

describe("sound files", () => {
  const expected = [0, 1, 2].map((i) => ({
    channels: 1,
    height: 2,
    width: 4,
    label: 7 + i,
    data: Uint8Array.from({ length: 8 }, (_, j) => 8 * i + j),
  }));

  it.each([
    ["plain", idx([3, 2, 4]), idx([3], THREE), ["x-images-idx3-ubyte", "x-labels-idx1-ubyte"]],
    [
      "zipped",
      gzipSync(idx([3, 2, 4])),
      gzipSync(idx([3], THREE)),
      ["a-images-idx3-ubyte.gz", "a-labels-idx1-ubyte.gz"],
    ],
    ["mixed", gzipSync(idx([3, 2, 4])), idx([3], THREE), ["a-images-idx3-ubyte.gz", "a-labels-idx1-ubyte"]],
    ["dotted", idx([3, 2, 4]), idx([3], THREE), ["x-images.idx3-ubyte", "x-labels.idx1-ubyte"]],
  ])("%s", async (folder, images, labels, names) => {
    const cursor = await openRecords(pair(folder, images, labels, names), ".");
    expect(cursor.count).toBe(3);
    expect(await drain(cursor)).toEqual(expected);
    expect(await cursor.skip()).toBe(false);
    await cursor.rewind();
    expect(await cursor.skip()).toBe(true);
    const record = (await cursor.next()) as PlainRecord;
    record.data.fill(255); // the record is the caller's
    await cursor.rewind();
    expect(await drain(cursor)).toEqual(expected);
    await cursor.close();
  });

  it("with four axes: images of several channels", async () => {
    const cursor = await openIdx(pair("colour", idx([2, 3, 2, 2]), idx([2], THREE.subarray(0, 2))));
    expect((await drain(cursor)).map((record) => ({ ...record, data: undefined }))).toEqual([
      { channels: 3, height: 2, width: 2, label: 7, data: undefined },
      { channels: 3, height: 2, width: 2, label: 8, data: undefined },
    ]);
    await cursor.close();
  });

  it("of more than 2 GiB are read by position", async () => {
    const path = pair("large", idx([40, 8192, 8192], new Uint8Array(0)), idx([40]));
    truncateSync(path, 16 + 40 * 2 ** 26);
    const file = openSync(path, "r+");
    writeSync(file, Uint8Array.of(123), 0, 1, 16 + 40 * 2 ** 26 - 1);
    closeSync(file);
    const cursor = await openIdx(path);
    for (let i = 0; i < 39; i++) await cursor.skip();
    const record = (await cursor.next()) as PlainRecord;
    expect([record.label, record.data.length, record.data.at(-1)]).toEqual([39, 2 ** 26, 123]);
    await cursor.close();
  });
});

describe("what is wrong is said", () => {
  const labels = idx([3], THREE);
  it.each([
    [
      "cut",
      idx([3, 2, 4]).subarray(0, 30),
      labels,
      /is cut short: its header declares 3×2×4 values, and 10 bytes are missing/,
    ],
    ["cut-gz", gzipSync(idx([3, 2, 4]).subarray(0, 30)), labels, /is cut short/],
    ["torn-gz", gzipSync(idx([300, 20, 40])).subarray(0, 500), labels, /cannot unpack|cut short/],
    ["long", Buffer.concat([idx([3, 2, 4]), THREE]), labels, /holds more than its header declares/],
    [
      "long-gz",
      gzipSync(Buffer.concat([idx([3, 2, 4]), THREE])),
      labels,
      /holds more than its header declares/,
    ],
    ["header", idx([3, 2, 4]).subarray(0, 9), labels, /its header takes 16 bytes/],
    ["bomb", gzipSync(idx([4_000_000_000, 1, 1], THREE)), labels, /is cut short/],
    ["huge", idx([4_000_000_000, 4_000_000_000, 4_000_000_000], THREE), labels, /declares 4000000000×/],
    ["none", idx([3, 0, 4], new Uint8Array(0)), labels, /declares 3×0×4 values/],
    ["count", idx([3, 2, 4]), idx([4]), /has 4 labels for 3 images/],
    ["label-shape", idx([3, 2, 4]), idx([3, 1]), /has 3×1 labels for 3 images/],
    ["label-cut", idx([3, 2, 4]), labels.subarray(0, 9), /labels.* is cut short/],
    [
      "label-text",
      idx([3, 2, 4]),
      Buffer.from("7\n8\n9\n"),
      /labels.* is not an idx file of bytes: it begins with 37 0a/,
    ],
    [
      "no-labels",
      idx([3, 2, 4]),
      undefined,
      /no labels beside .*\n.*looked for .*x-labels-idx1-ubyte" and .*\.gz/,
    ],
  ])("%s", async (folder, images, labelsOf, expected) => {
    expect(await mistakeIn(pair(folder, images, labelsOf))).toMatch(expected);
  });

  it("when the labels are named in place of the images", async () => {
    const path = pair("swapped", idx([3, 2, 4]), labels).replace("images-idx3", "labels-idx1");
    expect(await mistakeIn(path)).toMatch(
      /has 1 axes; images have 3.*\n.*this looks like the file of labels/,
    );
  });

  it("when the name of the images does not lead to the labels", async () => {
    const path = pair("misnamed", idx([3, 2, 4]), labels, ["pictures.idx", "labels.idx"]);
    expect(await mistakeIn(path)).toMatch(/no labels beside .*\n.*call the images …-images-idx3-ubyte/);
  });

  it("with no image at all", async () => {
    const cursor = await openIdx(pair("empty", idx([0, 2, 4]), idx([0])));
    expect([cursor.count, await cursor.next()]).toEqual([0, undefined]);
    await cursor.close();
  });
});

describe.skipIf(!hasMnist())("MNIST", () => {
  it("t10k: 10,000 records, zipped or not", async () => {
    const images = gunzipSync(readFileSync(mnistPath("t10k-images-idx3-ubyte.gz")));
    const plain = await openIdx(
      pair("t10k", images, readFileSync(mnistPath("t10k-labels-idx1-ubyte.gz")), [
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte.gz",
      ]),
    );
    const zipped = await openIdx(mnistPath("t10k-images-idx3-ubyte.gz"));
    expect([plain.count, zipped.count]).toEqual([10_000, 10_000]);
    const sum = Buffer.alloc(10);
    for (let record = await plain.next(); record; record = await plain.next()) {
      const other = (await zipped.next()) as PlainRecord;
      expect(Buffer.compare((record as PlainRecord).data as Uint8Array, other.data as Uint8Array)).toBe(0);
      expect(record.label).toBe(other.label);
      sum[record.label] = 1;
    }
    expect([...sum]).toEqual(Array(10).fill(1));
    await plain.close();
    await zipped.close();
  });
});
