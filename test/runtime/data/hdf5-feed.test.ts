import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import h5wasm from "h5wasm/node";
import { describe, expect, it } from "vitest";
import type { FeedOf } from "../../../runtime/data/batches.js";
import { openFeed } from "../../../runtime/data/open-feed.js";
import { writeHdf5 } from "../../../runtime/hdf5-file.js";
import { permutation, randomStream, streamOf } from "../../../runtime/random/index.js";
import { batchOf, mistakeOf } from "../../support/feeds.js";
import { fuzzRuns, mutatedBytes } from "../../support/mutate.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();
const at = (name: string): string => join(scratch.path, name);

/** Rows `from` … `from + count`: data [row, row + 0.5], label row. */
async function rowsFile(name: string, from: number, count: number, width = 2): Promise<void> {
  const row = (i: number): number => from + Math.floor(i / width);
  await writeHdf5(at(name), [
    {
      path: "data",
      shape: [count, width],
      data: Float32Array.from({ length: count * width }, (_, i) => row(i) + (i % width) / 2),
    },
    { path: "label", shape: [count], data: Float32Array.from({ length: count }, (_, i) => from + i) },
  ]);
}

const spec = (source: string, change: Partial<FeedOf<"hdf5">> = {}): FeedOf<"hdf5"> => ({
  kind: "hdf5",
  source,
  batchSize: 4,
  shuffle: false,
  tops: ["data", "label"],
  ...change,
});
const open = (source: string, change?: Partial<FeedOf<"hdf5">>, seed = 1) =>
  openFeed(spec(source, change), { root: scratch.path, phase: "TRAIN", seed });

async function labelsOf(source: string, batches: number, change?: Partial<FeedOf<"hdf5">>, seed = 1) {
  const feed = await open(source, change, seed);
  const labels: number[] = [];
  for (let i = 0; i < batches; i++) {
    const [data, label] = await batchOf(feed);
    labels.push(...label);
    expect([...data]).toEqual([...label].flatMap((row) => [row, row + 0.5]));
  }
  await feed.close();
  return labels;
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

describe("rows", () => {
  it("go through files of different row counts and begin again", async () => {
    await rowsFile("five.h5", 0, 5);
    await rowsFile("three.h5", 5, 3);
    scratch.file("both.txt", "five.h5\n\n  three.h5  \n");
    const feed = await open("both.txt");
    expect(feed.shapes).toEqual([[4, 2], [4]]);
    expect(await labelsOf("both.txt", 5)).toEqual([...upTo(8), ...upTo(8), ...upTo(4)]);
    expect(await labelsOf("both.txt", 8, { batchSize: 1 })).toEqual(upTo(8));
    // A batch larger than all the rows.
    expect(await labelsOf("both.txt", 1, { batchSize: 19 })).toEqual([...upTo(8), ...upTo(8), ...upTo(3)]);
  });

  it("of files in a list that begins with a byte-order mark", async () => {
    scratch.file("marked.txt", "\ufefffive.h5\r\nthree.h5");
    expect(await labelsOf("marked.txt", 2)).toEqual(upTo(8));
  });

  it("of one file begin again", async () => {
    scratch.file("one.txt", "five.h5");
    expect(await labelsOf("one.txt", 3)).toEqual([...upTo(5), ...upTo(5), 0, 1]);
  });

  it.each(["one.txt", "both.txt"])(
    "shuffled, %s: each row once an epoch, in another order",
    async (source) => {
      const count = source === "one.txt" ? 5 : 8;
      const labels = await labelsOf(source, 10 * count, { batchSize: 1, shuffle: true });
      const epochs = upTo(10).map((epoch) => labels.slice(epoch * count, (epoch + 1) * count));
      for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual(upTo(count));
      expect(new Set(epochs.map((epoch) => epoch.join())).size).toBeGreaterThan(5);
      if (source === "one.txt") {
        const random = randomStream(1, streamOf("shuffle", 0));
        // A list of one file is shuffled too, which takes no draw.
        expect(epochs).toEqual(epochs.map(() => [...permutation(random, count)]));
      }
      expect(await labelsOf(source, 10 * count, { batchSize: 1, shuffle: true })).toEqual(labels);
      expect(await labelsOf(source, 10 * count, { batchSize: 1, shuffle: true }, 2)).not.toEqual(labels);
    },
  );

  it("are found under the root, else beside the list", async () => {
    mkdirSync(at("lists"));
    await rowsFile("lists/near.h5", 0, 4);
    scratch.file("lists/near.txt", `near.h5\nfive.h5\n${at("three.h5")}`);
    expect(await labelsOf("lists/near.txt", 3)).toEqual([...upTo(4), ...upTo(8)]);
  });
});

describe("what is wrong is said", () => {
  const mistakeIn = async (source: string, change?: Partial<FeedOf<"hdf5">>, batches = 3) =>
    (await mistakeOf(() => labelsOf(source, batches, change)))?.message;

  it("lists", async () => {
    expect(await mistakeIn("absent.txt")).toMatch(/the list of HDF5 files "absent.txt" is not there/);
    expect(await mistakeIn("lists")).toMatch(/lists" is not a file/);
    scratch.file("empty.txt", " \n\n");
    expect(await mistakeIn("empty.txt")).toMatch(/the list of HDF5 files ".*empty.txt" is empty/);
    expect(await mistakeIn("five.h5")).toMatch(/is not a text\n.*path of an HDF5 file on each line/);
    scratch.file("wrong.txt", "five.h5\nfivee.h5");
    expect(await mistakeIn("wrong.txt")).toMatch(
      /line 2 of ".*wrong.txt": the HDF5 file "fivee.h5" is not there.*\n.*did you mean "five.h5"/,
    );
  });

  it("files", async () => {
    scratch.file("text.h5", "this is no HDF5 file");
    scratch.file("text.txt", "text.h5");
    expect(await mistakeIn("text.txt")).toMatch(/it is not an HDF5 file/);
    scratch.file("folder.txt", "lists");
    expect(await mistakeIn("folder.txt")).toMatch(/lists/);
  });

  it("data sets", async () => {
    expect(await mistakeIn("one.txt", { tops: ["data", "labels"] })).toMatch(
      /five.h5" has no dataset "labels", which a top of the layer asks for\n.*it has "data", "label"/,
    );
    await writeHdf5(at("uneven.h5"), [
      { path: "data", shape: [3, 2], data: new Float32Array(6) },
      { path: "label", shape: [4], data: new Float32Array(4) },
    ]);
    scratch.file("uneven.txt", "uneven.h5");
    expect(await mistakeIn("uneven.txt")).toMatch(/dataset "label" has 4 rows, and "data" has 3/);
    await writeHdf5(at("odd.h5"), [
      { path: "data", shape: [], data: Float32Array.of(1) },
      { path: "label", shape: [], data: "seven" },
    ]);
    scratch.file("odd.txt", "odd.h5");
    expect(await mistakeIn("odd.txt")).toMatch(/dataset "data" has no rows/);
    expect(await mistakeIn("odd.txt", { tops: ["label"] })).toMatch(/dataset "label"/);
  });

  it("a data set that is too large, whatever the size of its file", async () => {
    await h5wasm.ready;
    const file = new h5wasm.File(at("huge.h5"), "w");
    const empty = { name: "data", shape: [0, 16], maxshape: [null, 16], chunks: [16, 16], dtype: "<f" };
    file.create_dataset({ ...empty, data: new Float32Array(0) }).resize([1e9, 16]);
    file.close();
    scratch.file("huge.txt", "huge.h5");
    expect(await mistakeIn("huge.txt", { tops: ["data"] })).toMatch(
      /dataset "data" of shape 1000000000×16 is too large: files are read whole\n.*over several files/,
    );
  });

  it("damaged files: rows or an explanation, and sound files are read after them", async () => {
    const whole = readFileSync(at("five.h5"));
    scratch.file("damaged.txt", "damaged.h5");
    await fc.assert(
      fc.asyncProperty(mutatedBytes([whole]), async (bytes) => {
        scratch.file("damaged.h5", bytes);
        await mistakeOf(async () => {
          const feed = await open("damaged.txt");
          await batchOf(feed);
        });
      }),
      { numRuns: Math.ceil(fuzzRuns / 8) },
    );
    expect(await labelsOf("one.txt", 1)).toEqual(upTo(4));
  });

  it("rows of another size in a later file, when they are reached", async () => {
    await rowsFile("wide.h5", 0, 3, 5);
    scratch.file("differ.txt", "five.h5 wide.h5");
    const feed = await open("differ.txt");
    await batchOf(feed);
    expect((await mistakeOf(() => batchOf(feed)))?.message).toMatch(
      /wide.h5": rows of "data" have the shape 5, and those of the first file 2/,
    );
    await feed.close();
  });
});
