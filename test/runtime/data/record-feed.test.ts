import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { type Datum, encodeMessage } from "../../../proto/index.js";
import type { FeedSpec } from "../../../runtime/data/feed-spec.js";
import { openFeed, probeFeed } from "../../../runtime/data/open-feed.js";
import { feedsOf } from "../../../src/layers/index.js";
import { parseNet } from "../../../src/net-text/index.js";
import { batchOf, mistakeOf, openHandles, recordsSpec } from "../../support/feeds.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();
const open = (spec: FeedSpec, phase: "TRAIN" | "TEST" = "TEST", seed = 1) =>
  openFeed(spec, { root: scratch.path, phase, seed });

async function database(name: string, records: readonly Partial<Datum>[]): Promise<void> {
  const level = new ClassicLevel<string, Uint8Array>(join(scratch.path, name), { valueEncoding: "view" });
  await level.open();
  for (const [i, record] of records.entries())
    await level.put(String(i).padStart(8, "0"), encodeMessage("Datum", record));
  await level.close();
}

const flat = (label: number, height: number, width: number): Partial<Datum> => ({
  channels: 1,
  height,
  width,
  label,
  data: new Uint8Array(height * width).fill(10 * label),
});

beforeAll(async () => {
  await database(
    "five",
    [0, 1, 2, 3, 4].map((label) => flat(label, 2, 3)),
  );
  await database("sizes", [flat(0, 4, 4), flat(1, 4, 4), flat(2, 6, 5)]);
  await database("none", []);
  const color = await sharp({
    create: { width: 3, height: 2, channels: 3, background: { r: 200, g: 100, b: 50 } },
  })
    .png()
    .toBuffer();
  await database("encoded", [{ encoded: true, data: color, label: 6 }]);
  await database("broken", [
    { encoded: true, data: color, label: 6 },
    { encoded: true, data: color.subarray(0, 40), label: 7 },
  ]);
});

describe("batches", () => {
  it("follow the records' order, go round, and hold data and labels", async () => {
    const feed = await open(recordsSpec("five", { batchSize: 3, transform: { scale: 0.5 } }));
    expect(feed.shapes).toEqual([[3, 1, 2, 3], [3]]);
    const labels: number[] = [];
    for (let i = 0; i < 4; i++) {
      const [data, label] = await batchOf(feed);
      labels.push(...label);
      expect([...data]).toEqual([...label].flatMap((value) => new Array<number>(6).fill(5 * value)));
    }
    expect(labels).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]);
    await feed.close();
  });

  it("without a second top there are no labels", async () => {
    const feed = await open(recordsSpec("five", { batchSize: 2, tops: 1 }));
    expect(feed.shapes).toEqual([[2, 1, 2, 3]]);
    expect([...(await batchOf(feed))[0]]).toEqual([...new Array(6).fill(0), ...new Array(6).fill(10)]);
    await feed.close();
  });

  it("a crop makes one size of images of several", async () => {
    const feed = await open(recordsSpec("sizes", { batchSize: 3, transform: { cropSize: 4 } }), "TRAIN");
    expect(feed.shapes[0]).toEqual([3, 1, 4, 4]);
    expect([...(await batchOf(feed))[1]]).toEqual([0, 1, 2]);
    await feed.close();
  });

  it.each([
    ["as they are", {}, [50, 100, 200]],
    ["in colour", { forceColor: true }, [50, 100, 200]],
    ["in grey", { forceGray: true }, [124]],
  ])("encoded images %s", async (_, transform, planes) => {
    const feed = await open(recordsSpec("encoded", { transform }));
    expect(feed.shapes[0]).toEqual([1, planes.length, 2, 3]);
    const [data, label] = await batchOf(feed);
    expect([...data]).toEqual(planes.flatMap((value) => new Array<number>(6).fill(value)));
    expect([...label]).toEqual([6]);
    await feed.close();
  });

  it("rand_skip starts at any record, by the seed", async () => {
    const starts = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      // More than there are records: it goes round.
      const feed = await open(
        recordsSpec("five", { batchSize: 5, randSkip: seed % 2 ? 4 : 4_000_000_000 }),
        "TRAIN",
        seed,
      );
      const label = [...(await batchOf(feed))[1]];
      expect(label.toSorted()).toEqual([0, 1, 2, 3, 4]);
      starts.add(label[0]);
      await feed.close();
    }
    expect(starts.size).toBe(5);
    const [one, two] = await Promise.all(
      [3, 3].map((seed) => open(recordsSpec("five", { randSkip: 5 }), "TRAIN", seed)),
    );
    expect(await batchOf(one)).toEqual(await batchOf(two));
    await Promise.all([one.close(), two.close()]);
  });

  it("rand_skip of 1 skips nothing", async () => {
    const feed = await open(recordsSpec("five", { randSkip: 1 }));
    expect([...(await batchOf(feed))[1]]).toEqual([0]);
    await feed.close();
  });
});

describe("what is wrong is said", () => {
  it("records of another size, when they are reached", async () => {
    const feed = await open(recordsSpec("sizes", { batchSize: 3 }));
    expect((await mistakeOf(() => batchOf(feed)))?.message).toMatch(
      /a record of .*sizes" is 1×6×5 .*and the first is 1×4×4: a batch needs one size\n.*crop_size makes images of one size/,
    );
    await feed.close();
  });

  it("an image that cannot be decoded, by its number", async () => {
    const feed = await open(recordsSpec("broken", { batchSize: 2 }));
    expect((await mistakeOf(() => batchOf(feed)))?.message).toMatch(/cannot decode record 1 of .*broken/);
    await feed.close();
  });

  it("a database without records", async () => {
    expect((await mistakeOf(() => open(recordsSpec("none"))))?.message).toMatch(/none" has no records/);
  });

  it("leaves no file open", async () => {
    await probeFeed(recordsSpec("five"), { root: scratch.path, phase: "TEST", seed: 1 });
    const before = openHandles();
    for (let i = 0; i < 3; i++) {
      await mistakeOf(() => open(recordsSpec("five", { transform: { cropSize: 9 } })));
      await mistakeOf(() => open(recordsSpec("five", { transform: { meanValues: [1, 2] } })));
      await mistakeOf(() => open(recordsSpec("five", { transform: { meanFile: "absent" } })));
      await mistakeOf(() => open(recordsSpec("none")));
      await probeFeed(recordsSpec("five"), { root: scratch.path, phase: "TEST", seed: 1 });
    }
    expect(openHandles()).toBe(before);
  });

  it.each([
    [
      "the source",
      'source: "fiev"',
      "",
      /net:3:38: error: the data source "fiev" is not there.*\n.*\n.* \^{6}\n {2}did you mean "five"\?/,
    ],
    [
      "the crop",
      'source: "five"',
      "crop_size: 9",
      /net:4:3: error: crop_size 9 is larger than the first record/,
    ],
    ["the mean file", 'source: "five"', 'mean_file: "x"', /net:4:3: error: the mean file "x" is not there/],
  ])("at its place: %s", async (_, source, transform, expected) => {
    const text = `layer {
  name: "d" type: "Data" top: "data" top: "label"
  data_param { batch_size: 1 ${source} }
  transform_param { ${transform} }
}`;
    const [{ spec }] = feedsOf(parseNet(text, { name: "net" }), "TEST");
    expect((await mistakeOf(() => open(spec)))?.message).toMatch(expected);
  });
});
