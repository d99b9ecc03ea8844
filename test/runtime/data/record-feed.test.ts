import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { type Datum, encodeMessage } from "../../../proto/index.js";
import type { FeedSpec } from "../../../runtime/data/feed-spec.js";
import { openFeed, probeFeed } from "../../../runtime/data/open-feed.js";
import { openRecords } from "../../../runtime/data/record-sources.js";
import { shuffledRecords } from "../../../runtime/data/shuffled-records.js";
import { permutation, randomStream, streamOf } from "../../../runtime/random/index.js";
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
  const gray = await sharp(color).toColourspace("b-w").png().toBuffer();
  await database("mixed", [
    { encoded: true, data: color },
    { encoded: true, data: gray },
  ]);
  await database("plain", [flat(0, 2, 3), { ...flat(1, 2, 3), channels: 3, data: new Uint8Array(18) }]);
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

  it.each([4, 5, 4_000_000_000])(
    "rand_skip %s: as many are passed over as the stream says, round and round",
    async (randSkip) => {
      const starts = new Set<number>();
      for (let seed = 0; seed < 5; seed++) {
        const feed = await openFeed(recordsSpec("five", { batchSize: 7, randSkip }), {
          root: scratch.path,
          phase: "TRAIN",
          seed,
          index: seed % 2,
        });
        const start = randomStream(seed, streamOf("skip", seed % 2)).integer(randSkip) % 5;
        expect([...(await batchOf(feed))[1]]).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => (start + i) % 5));
        starts.add(start);
        await feed.close();
      }
      expect(starts.size).toBeGreaterThan(1);
    },
  );

  it("shuffle: each round has every record once, in the order that the stream says", async () => {
    const random = randomStream(3, streamOf("shuffle", 0));
    const skipped = randomStream(3, streamOf("skip", 0)).integer(4);
    const [first, ...rest] = [1, 2, 3, 4].map(() => [...permutation(random, 5)]);
    const orders = [first.slice(skipped), ...rest].flat();
    const feed = await open(recordsSpec("five", { batchSize: 3, shuffle: true, randSkip: 4 }), "TRAIN", 3);
    const labels: number[] = [];
    for (let i = 0; i < 5; i++) labels.push(...(await batchOf(feed))[1]);
    expect(labels).toEqual(orders.slice(0, 15));
    expect(new Set(rest.map(String)).size).toBeGreaterThan(1);
    await feed.close();
  });

  it("shuffle: more than memory should hold is refused; a record is named by its place", async () => {
    const random = randomStream(1, streamOf("shuffle", 0));
    const large = shuffledRecords(await openRecords("five", scratch.path), random, 29);
    expect((await mistakeOf(() => large.next()))?.message).toMatch(
      /five" is too large to be shuffled: .* at most 29 B of them\n.*convert_imageset --shuffle/,
    );
    await large.close();
    const broken = await open(recordsSpec("broken", { batchSize: 4, shuffle: true }));
    expect((await mistakeOf(() => batchOf(broken)))?.message).toMatch(/cannot decode record 1 of .*broken/);
    await broken.close();
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
      /record 2 of .*sizes" is 1×6×5 .*and the first is 1×4×4: a batch needs one size\n.*crop_size makes images of one size/,
    );
    await feed.close();
  });

  it.each([
    [
      "encoded images",
      "mixed",
      /record 1 of .*mixed" has 1 channel, and the first has 3: .*\n.*\n.*\n {2}force_color: true in transform_param/,
    ],
    [
      "plain ones",
      "plain",
      /record 1 of .*plain" has 3 channels, and the first has 1: .*\n.*\n.*\n {2}force_color and force_gray are for encoded images/,
    ],
  ])("grey and colour in one source, at transform_param: %s", async (_, source, expected) => {
    const text = `layer { name: "d" type: "Data" top: "data"
  transform_param { mean_value: 3 }
  data_param { batch_size: 2 source: "${source}" } }`;
    const [{ spec }] = feedsOf(parseNet(text, { name: "net" }), "TEST");
    const feed = await open(spec);
    const { message } = (await mistakeOf(() => batchOf(feed))) ?? {};
    expect(message).toMatch(/^net:2:3: error: /);
    expect(message).toMatch(expected);
    await feed.close();
  });

  it("grey and colour in one source are forced to be alike", async () => {
    for (const [transform, channels] of [
      [{ forceColor: true }, 3],
      [{ forceGray: true }, 1],
    ] as const) {
      const feed = await open(recordsSpec("mixed", { batchSize: 2, transform }));
      expect(feed.shapes[0]).toEqual([2, channels, 2, 3]);
      await batchOf(feed);
      await feed.close();
    }
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
