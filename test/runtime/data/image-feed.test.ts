import { mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import type { FeedOf } from "../../../runtime/data/batches.js";
import { openFeed } from "../../../runtime/data/open-feed.js";
import { permutation, randomStream, streamOf } from "../../../runtime/random/index.js";
import { feedsOf } from "../../../src/layers/index.js";
import { parseNet } from "../../../src/net-text/index.js";
import { batchOf, mistakeOf, openHandles, recordsSpec } from "../../support/feeds.js";
import { fuzzRuns, mutatedText } from "../../support/mutate.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();

function imagesSpec(
  source: string,
  changes: Partial<Omit<FeedOf<"images">, "transform">> & {
    readonly transform?: Partial<FeedOf<"images">["transform"]>;
  } = {},
): FeedOf<"images"> {
  const { transform, ...rest } = changes;
  return {
    kind: "images",
    source,
    rootFolder: "",
    batchSize: 1,
    randSkip: 0,
    shuffle: false,
    color: true,
    ...rest,
    transform: recordsSpec("", { transform }).transform,
  };
}
const open = (spec: FeedOf<"images">, phase: "TRAIN" | "TEST" = "TEST", seed = 1) =>
  openFeed(spec, { root: scratch.path, phase, seed });
const message = async (work: () => unknown): Promise<string> => (await mistakeOf(work))?.message ?? "";

/** A plain image. */
async function image(name: string, height: number, width: number, red: number): Promise<void> {
  const background = { r: red, g: 100, b: 50 };
  const bytes = await sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
  scratch.file(name, bytes);
}

beforeAll(async () => {
  mkdirSync(join(scratch.path, "pictures"));
  for (let i = 0; i < 5; i++) await image(`pictures/${i}.png`, 2, 3, 10 * i);
  await image("pictures/with space.png", 4, 5, 200);
  scratch.file("pictures/broken.jpg", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2));
  scratch.file("five.txt", [0, 1, 2, 3, 4].map((i) => `pictures/${i}.png ${i}\n`).join(""));
  scratch.file("bare.txt", "0.png 0\r\n\n1.png\t-1\r\nwith space.png 7");
});

describe("batches", () => {
  it("follow the list, go round, and hold images and labels", async () => {
    const feed = await open(imagesSpec("five.txt", { batchSize: 3, transform: { scale: 0.5 } }));
    expect(feed.shapes).toEqual([[3, 3, 2, 3], [3]]);
    const labels: number[] = [];
    for (let i = 0; i < 4; i++) {
      const [data, label] = await batchOf(feed);
      labels.push(...label);
      const plane = (value: number): number[] => new Array<number>(6).fill(value);
      expect([...data]).toEqual([...label].flatMap((k) => [...plane(25), ...plane(50), ...plane(5 * k)]));
    }
    expect(labels).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]);
    await feed.close();
  });

  it("root_folder stands before each name; names may have spaces, lines may be empty or end in \\r\\n", async () => {
    const spec = imagesSpec("bare.txt", {
      rootFolder: "pictures/",
      batchSize: 4,
      color: false,
      size: { height: 2, width: 2 },
    });
    const feed = await open(spec);
    expect(feed.shapes).toEqual([[4, 1, 2, 2], [4]]);
    const [data, label] = await batchOf(feed);
    expect([...label]).toEqual([0, -1, 7, 0]);
    const gray = (red: number): number => Math.round(0.299 * red + 58.7 + 5.7);
    expect([...data]).toEqual([0, 10, 200, 0].flatMap((red) => new Array<number>(4).fill(gray(red))));
    await feed.close();
  });

  // What Caffe, built with OpenCV 4.6, gave of these files.
  it.each([
    ["d.bmp", [6, 8], [140, 203, 192, 204, 252, 178, 101, 139, 156, 50, 215, 247, 86, 137, 61, 1]],
    ["p.ppm", [6, 8], [140, 203, 192, 204, 252, 178, 101, 139, 156, 50, 215, 247, 86, 137, 61, 1]],
    ["cmyk.jpg", [6, 8], [143, 209, 187, 208, 255, 170, 99, 143, 165, 31, 234, 245, 80, 159, 79, 1]],
    ["exif.jpg", [8, 6], [98, 38, 62, 99, 226, 156, 22, 67, 101, 177, 143, 131, 150, 123, 100, 202]],
  ])("%s is as Caffe has it", async (name, extents, pixels) => {
    scratch.file("one.txt", `${new URL(`../../fixtures/images/${name}`, import.meta.url).pathname} 1\n`);
    const feed = await open(imagesSpec("one.txt"));
    expect(feed.shapes[0]).toEqual([1, 3, ...extents]);
    expect([...(await batchOf(feed))[0].subarray(0, 16)]).toEqual(pixels);
    await feed.close();
  });

  it("shuffled: each round has every image once, in the order that the stream says, after a skip in the first", async () => {
    for (const index of [0, 1]) {
      const random = randomStream(2, streamOf("shuffle", index));
      const skipped = randomStream(2, streamOf("skip", index)).integer(9) % 5;
      const orders = [1, 2, 3, 4].flatMap(() => [...permutation(random, 5)]);
      const spec = imagesSpec("five.txt", { batchSize: 5, shuffle: true, randSkip: 9 });
      const feed = await openFeed(spec, { root: scratch.path, phase: "TRAIN", seed: 2, index });
      const labels: number[] = [];
      for (let i = 0; i < 3; i++) labels.push(...(await batchOf(feed))[1]);
      expect(labels).toEqual(orders.slice(skipped, skipped + 15));
      await feed.close();
    }
  });

  it.each([3, 5, 4_000_000_000])(
    "rand_skip %s: as many are passed over as the stream says, round and round",
    async (randSkip) => {
      const starts = new Set<number>();
      for (let seed = 0; seed < 5; seed++) {
        const feed = await open(imagesSpec("five.txt", { batchSize: 7, randSkip }), "TRAIN", seed);
        const start = randomStream(seed, streamOf("skip", 0)).integer(randSkip) % 5;
        expect([...(await batchOf(feed))[1]]).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => (start + i) % 5));
        starts.add(start);
        await feed.close();
      }
      expect(starts.size).toBeGreaterThan(1);
    },
  );

  it.each([
    ["a byte-order mark", "\ufeffpictures/1.png 1\npictures/2.png 2\n"],
    ["a byte-order mark before an empty line", "\ufeff\r\npictures/1.png 1\r\npictures/2.png 2\r\n"],
  ])("a list begins with %s", async (_, text) => {
    scratch.file("marked.txt", text);
    const feed = await open(imagesSpec("marked.txt", { batchSize: 2 }));
    expect([...(await batchOf(feed))[1]]).toEqual([1, 2]);
    await feed.close();
  });
});

describe("what is wrong is said, with the list's line", () => {
  it.each([
    ["an absent list", "none.txt", "", /the list of images "none.txt" is not there/],
    ["an empty list", "empty.txt", " \n\n", /the list of images ".*empty.txt" is empty/],
    ["no text", "binary.txt", "a\0b 1", /is not a text\n.*source names a text file/],
    [
      "UTF-16",
      "wide.txt",
      Buffer.from("\ufeffpictures/1.png 1", "utf16le"),
      /wide.txt" is a text in UTF-16\n {2}save it as UTF-8/,
    ],
    ["a byte-order mark and nothing more", "mark.txt", "\ufeff\n", /mark.txt" is empty/],
    [
      "labels that are missing or no integers, all of them",
      "labels.txt",
      "a.png 1\nb.png\nc.png x1\nd.png 1.5\n",
      /line 2 of ".*labels.txt": no label stands after "b.png"[\s\S]*line 3 .*: the label "x1" is no integer[\s\S]*line 4 .*: the label "1.5" is no integer/,
    ],
    [
      "an absent image",
      "absent.txt",
      "\npictures/9.png 1\n",
      /line 2 of ".*absent.txt": the image "pictures\/9.png" is not there/,
    ],
    [
      "an absent folder",
      "folder.txt",
      "nowhere/9.png 1\n",
      /line 1 of ".*folder.txt": the image "nowhere\/9.png" is not there/,
    ],
    [
      "a folder for an image",
      "dir.txt",
      "pictures 1\n",
      /line 1 of ".*dir.txt": the image ".*pictures" is not a file/,
    ],
    [
      "a damaged image",
      "damaged.txt",
      "pictures/broken.jpg 1\n",
      /cannot decode line 1 of ".*damaged.txt": the image "pictures\/broken.jpg"/,
    ],
  ] as const)("%s", async (_, name, content, expected) => {
    if (content !== "") scratch.file(name, content);
    expect(await message(() => open(imagesSpec(name)))).toMatch(expected);
  });

  it("when it is reached: an image of another size, a damaged one", async () => {
    scratch.file("sizes.txt", "pictures/0.png 0\npictures/1.png 0\npictures/with space.png 0\n");
    scratch.file("later.txt", "pictures/0.png 0\npictures/1.png 0\npictures/broken.jpg 0\n");
    const sizes = await open(imagesSpec("sizes.txt"));
    const later = await open(imagesSpec("later.txt"));
    for (const feed of [sizes, later]) for (let i = 0; i < 2; i++) await batchOf(feed);
    expect(await message(() => batchOf(sizes))).toMatch(
      /the image on line 3 of ".*sizes.txt" is 3×4×5 .*and the first is 3×2×3: a batch needs one size\n.*new_height and new_width/,
    );
    expect(await message(() => batchOf(later))).toMatch(/cannot decode line 3 of/);
    await Promise.all([sizes.close(), later.close()]);
  });

  it("a root_folder that lacks its slash", async () => {
    expect(await message(() => open(imagesSpec("bare.txt", { rootFolder: "pictures" })))).toMatch(
      /line 1 of ".*bare.txt": the image "pictures0.png" is not there.*\n.*root_folder "pictures" .*end in a slash/,
    );
  });

  it("whatever the list holds: an explanation", async () => {
    const text = fc.array(
      fc.constantFrom("a.png", " ", "\n", "\t", "\r\n", "1", "-", "é", "\0", "pictures/9.png 3\n"),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          text.map((parts) => parts.join("")),
          fc.string(),
          mutatedText(["pictures/0.png 0\npictures/with space.png 7\r\n\n../9.png -1"]),
        ),
        async (list) => {
          scratch.file("any.txt", list);
          // The first line may still be a sound one.
          const found = await message(async () => (await open(imagesSpec("any.txt"))).close());
          if (found !== "" || !/^\ufeff?\s*pictures\/(0|with space)\.png [-+]?\d/.test(list))
            expect(found).toMatch(/any\.txt/);
        },
      ),
      { numRuns: fuzzRuns / 20 },
    );
  });

  it("at the layer's place", async () => {
    const text = `layer { name: "d" type: "ImageData" top: "x" top: "y"
  image_data_param { source: "empty2.txt" } }`;
    scratch.file("empty2.txt", "");
    const [{ spec }] = feedsOf(parseNet(text, { name: "net" }), "TEST");
    expect(await message(() => openFeed(spec, { root: scratch.path, phase: "TEST", seed: 1 }))).toMatch(
      /^net:2:30: error: the list of images/,
    );
  });

  it("leaves no file open", async () => {
    await message(() => open(imagesSpec("damaged.txt")));
    const before = openHandles();
    for (let i = 0; i < 3; i++) {
      await message(() => open(imagesSpec("damaged.txt")));
      await message(() => open(imagesSpec("five.txt", { transform: { cropSize: 9 } })));
      const feed = await open(imagesSpec("sizes.txt", { batchSize: 3 }));
      await message(() => batchOf(feed));
      await feed.close();
    }
    expect(openHandles()).toBe(before);
  });
});
