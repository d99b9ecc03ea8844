import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeMessage } from "../../../proto/index.js";
import type { FeedOf } from "../../../runtime/data/batches.js";
import { openFeed } from "../../../runtime/data/open-feed.js";
import { placeWindow } from "../../../runtime/data/window-crop.js";
import { batchOf, mistakeOf, openHandles, recordsSpec } from "../../support/feeds.js";
import { fuzzRuns } from "../../support/mutate.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();
const HEIGHT = 20;
const WIDTH = 30;

function windowsSpec(
  source: string,
  changes: Partial<Omit<FeedOf<"windows">, "transform">> & {
    readonly transform?: Partial<FeedOf<"windows">["transform"]>;
  } = {},
): FeedOf<"windows"> {
  const { transform, ...rest } = changes;
  return {
    kind: "windows",
    source,
    rootFolder: "",
    batchSize: 4,
    fgThreshold: 0.5,
    bgThreshold: 0.5,
    fgFraction: 0.25,
    contextPad: 0,
    cropMode: "warp",
    cacheImages: false,
    ...rest,
    transform: recordsSpec("", { transform: { cropSize: 4, ...transform } }).transform,
  };
}
const open = (spec: FeedOf<"windows">, seed = 1) =>
  openFeed(spec, { root: scratch.path, phase: "TRAIN", seed });
const message = async (work: () => unknown): Promise<string> => (await mistakeOf(work))?.message ?? "";

/** Blue counts columns, green rows, red is 7. */
beforeAll(async () => {
  const pixels = Buffer.from(
    Array.from({ length: HEIGHT * WIDTH }, (_, i) => [7, 2 * Math.floor(i / WIDTH), 3 * (i % WIDTH)]).flat(),
  );
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const;
  scratch.file("ramp.png", await sharp(pixels, { raw }).png().toBuffer());
  scratch.file(
    "flat.png",
    await sharp({ create: { ...raw, background: "#ffffff" } })
      .png()
      .toBuffer(),
  );
  scratch.file(
    "windows.txt",
    `# 0
ramp.png
3
${HEIGHT}
${WIDTH}
3
5 0.9 4 2 7 5
2 0.2 10 8 13 11
9 0.1 0 0 3 3
# 1
flat.png
3 ${HEIGHT} ${WIDTH} 1
3 1.0 0 0 9 9
`,
  );
});

describe("batches", () => {
  it("background first, then foreground, each a window as it lies in the image, by the seed", async () => {
    const feed = await open(windowsSpec("windows.txt", { fgFraction: 0.5, transform: { mirror: true } }));
    expect(feed.shapes).toEqual([[4, 3, 4, 4], [4]]);
    const again = await open(windowsSpec("windows.txt", { fgFraction: 0.5, transform: { mirror: true } }));
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const [data, label] = await batchOf(feed);
      expect(await batchOf(again)).toEqual([data, label]);
      expect([...label.subarray(0, 2)]).toEqual([0, 0]);
      for (let item = 0; item < 4; item++) {
        const at = (c: number, y: number, x: number): number => data[((item * 3 + c) * 4 + y) * 4 + x];
        const columns = [0, 1, 2, 3].map((x) => at(0, 1, x));
        seen.add(`${label[item]}: ${columns}`);
        if (label[item] !== 3) expect([at(2, 3, 3), at(1, 3, 0) - at(1, 0, 0)]).toEqual([7, 6]);
      }
    }
    expect([...seen].sort()).toEqual([
      "0: 0,3,6,9",
      "0: 30,33,36,39",
      "0: 39,36,33,30",
      "0: 9,6,3,0",
      "3: 255,255,255,255",
      "5: 12,15,18,21",
      "5: 21,18,15,12",
    ]);
    await Promise.all([feed.close(), again.close()]);
  });

  it("a window file may begin with a byte-order mark", async () => {
    const text = readFileSync(join(scratch.path, "windows.txt"), "utf8");
    scratch.file("marked.txt", `\ufeff${text}`);
    const [plain, marked] = await Promise.all(
      ["windows.txt", "marked.txt"].map((name) => open(windowsSpec(name))),
    );
    expect(await batchOf(marked)).toEqual(await batchOf(plain));
    await Promise.all([plain.close(), marked.close()]);
  });

  it("what lies outside of the image stays 0, mean and scale apply to the rest", async () => {
    scratch.file("corner.txt", `# 0 flat.png 3 ${HEIGHT} ${WIDTH} 1 1 1 0 0 3 3`);
    const feed = await open(
      windowsSpec("corner.txt", {
        batchSize: 1,
        fgFraction: 1,
        contextPad: 2,
        cacheImages: true,
        transform: { cropSize: 8, meanValues: [5, 55, 155], scale: 0.5 },
      }),
    );
    const [data, label] = await batchOf(feed);
    expect([...label]).toEqual([1]);
    // Half the crop is the window: 4 pixels, grown by 2 on each side (and by Caffe's inclusive corner).
    const rows = [0, 1, 2].map((c) => [...data.subarray(c * 64 + 32, c * 64 + 40)]);
    for (const [c, value] of [125, 100, 50].entries())
      expect(rows[c]).toEqual([0, 0, value, value, value, value, value, value]);
    expect([...data.subarray(0, 16)]).toEqual(new Array(16).fill(0));
    await feed.close();
  });

  it("a mean image is read at its middle", async () => {
    const mean = Float32Array.from({ length: 3 * 36 }, (_, i) => i);
    const bytes = encodeMessage("BlobProto", { channels: 3, height: 6, width: 6, data: mean });
    scratch.file("mean.binaryproto", bytes);
    scratch.file("whole.txt", `# 0 flat.png 3 ${HEIGHT} ${WIDTH} 1 1 1 0 0 3 3`);
    const spec = windowsSpec("whole.txt", {
      batchSize: 1,
      fgFraction: 1,
      transform: { meanFile: "mean.binaryproto" },
    });
    const feed = await open(spec);
    const [data] = await batchOf(feed);
    const expected = [0, 1, 2].flatMap((c) =>
      [0, 1, 2, 3].flatMap((y) => [0, 1, 2, 3].map((x) => 255 - (c * 36 + (y + 1) * 6 + x + 1))),
    );
    expect([...data]).toEqual(expected);
    await feed.close();
    const large = windowsSpec("whole.txt", {
      transform: { cropSize: 7, meanFile: "mean.binaryproto" },
      fgFraction: 1,
    });
    expect(await message(() => open(large))).toMatch(/the mean image has the shape 3×6×6, and must cover/);
  });
});

describe("where a window goes", () => {
  const image = { height: HEIGHT, width: WIDTH };
  const window = (left: number, top: number, right: number, bottom: number) => ({
    image: 0,
    label: 1,
    line: 1,
    left,
    top,
    right,
    bottom,
  });
  const spec = (contextPad: number, cropMode: "warp" | "square", cropSize: number) => ({
    contextPad,
    cropMode,
    transform: { cropSize },
  });

  // Worked by hand from the formulas: centre ± half · crop / (crop − 2 · pad), rounded, cut, and warped in proportion.
  it.each([
    [
      "warped as it is",
      window(4, 2, 7, 9),
      spec(0, "warp", 6),
      { left: 4, top: 2, columns: 4, rows: 8, width: 6, height: 6, padLeft: 0, padRight: 0, padTop: 0 },
    ],
    [
      "with context, inside",
      window(10, 8, 13, 11),
      spec(2, "warp", 8),
      { left: 8, top: 6, columns: 9, rows: 9, width: 8, height: 8, padLeft: 0, padRight: 0, padTop: 0 },
    ],
    [
      "with context, over the corner",
      window(0, 0, 3, 3),
      spec(2, "warp", 8),
      { left: 0, top: 0, columns: 7, rows: 7, width: 6, height: 6, padLeft: 2, padRight: 0, padTop: 2 },
    ],
    [
      "as a square, over both sides",
      window(12, 0, 15, 19),
      spec(0, "square", 21),
      { left: 4, top: 0, columns: 21, rows: 20, width: 21, height: 20, padLeft: 0, padRight: 0, padTop: 0 },
    ],
  ])("%s", (_, from, settings, expected) => {
    expect(placeWindow(from, image, settings)).toEqual(expected);
  });

  it.each([
    [
      "outside",
      window(4, 2, 30, 9),
      spec(0, "warp", 6),
      "the window (4, 2) to (30, 9) does not lie in the image, which is 20 × 30 (height × width)",
    ],
    [
      "far outside",
      window(40, 2, 50, 9),
      spec(1, "warp", 6),
      "the window (40, 2) to (50, 9) does not lie in the image, which is 20 × 30 (height × width)",
    ],
    ["empty", window(4, 2, 3, 9), spec(0, "warp", 6), "the window (4, 2) to (3, 9) is empty"],
  ])("%s", (_, from, settings, expected) => {
    expect(placeWindow(from, image, settings)).toBe(expected);
  });
});

describe("what is wrong is said, with the file's line", () => {
  const image = `# 0\nflat.png\n3\n${HEIGHT}\n${WIDTH}\n`;
  it.each([
    ["an absent file", "none.txt", "", /the window file "none.txt" is not there/],
    ["an empty one", "w0.txt", "\n", /the window file ".*w0.txt" is empty/],
    [
      "no image",
      "w1.txt",
      "flat.png 3",
      /line 1 of ".*w1.txt": an image begins with "#", and here is "flat.png"/,
    ],
    ["images out of order", "w2.txt", "# 1 flat.png", /line 1 .*: this is image 1, and 0 comes next/],
    [
      "an end too soon",
      "w3.txt",
      `${image}2\n1 1 0 0 9 9\n1 1 0 0`,
      /line 8 .*: the file ends where a window's x2 should be/,
    ],
    ["no number", "w4.txt", `${image}1\n1 x 0 0 9 9\n`, /line 7 .*: a window's overlap is no number: "x"/],
    [
      "a foreground without a class",
      "w5.txt",
      `${image}1\n0 1 0 0 9 9\n`,
      /line 7 .*: the class of a foreground window is 1 or more, not 0/,
    ],
    ["grey images", "w6.txt", "# 0 flat.png 1 4 4 0", /line 1 .*: the image has 1 channels/],
    [
      "no background",
      "w7.txt",
      `${image}1\n1 1 0 0 9 9\n`,
      /has no background window, and a batch takes 3\n.*overlap below bg_threshold 0.5/,
    ],
    [
      "no foreground",
      "w8.txt",
      `${image}1\n1 0 0 0 9 9\n`,
      /has no foreground window, and a batch takes 1\n.*overlap of fg_threshold 0.5 or more/,
    ],
    ["fewer windows than none", "w9.txt", `${image}-1\n`, /line 6 .*: there cannot be -1 windows/],
  ])("%s", async (_, name, content, expected) => {
    if (content !== "") scratch.file(name, content);
    expect(await message(() => open(windowsSpec(name)))).toMatch(expected);
  });

  it("whatever the file holds: windows or an explanation", async () => {
    const word = fc.constantFrom(
      "#",
      "0",
      "1",
      "3",
      "-1",
      "0.9",
      "1e99",
      "nan",
      "flat.png",
      "\n",
      " ",
      "\0",
      "2147483648",
    );
    const damaged = fc.array(fc.tuple(fc.nat(30), word), { maxLength: 3 }).map((changes) => {
      const words = `${image}2\n1 1 0 0 9 9\n0 0 0 0 9 9\n`.split(/(?<=\s)/);
      for (const [at, to] of changes) words[at % words.length] = `${to} `;
      return words.join("");
    });
    await fc.assert(
      fc.asyncProperty(damaged, async (text) => {
        scratch.file("any.txt", text);
        const found = await mistakeOf(async () => {
          const feed = await open(windowsSpec("any.txt", { fgFraction: 0.5 }));
          try {
            await batchOf(feed);
          } finally {
            await feed.close();
          }
        });
        if (found) expect(found.message).toMatch(/any\.txt|image/);
      }),
      { numRuns: fuzzRuns / 20 },
    );
  });

  it("when it is drawn: an absent image, a window outside; no file stays open", async () => {
    scratch.file("w10.txt", `${image}1\n1 0 0 0 30 9\n# 1 gone.png 3 4 4 1 1 1 0 0 1 1`);
    const before = openHandles();
    const outside = await open(windowsSpec("w10.txt", { fgFraction: 0 }));
    expect(await message(() => batchOf(outside))).toMatch(
      /line 7 of ".*w10.txt": the window \(0, 0\) to \(30, 9\) does not lie in the image/,
    );
    const gone = await open(windowsSpec("w10.txt", { fgFraction: 1 }));
    expect(await message(() => batchOf(gone))).toMatch(
      /line 8 of ".*w10.txt": the image "gone.png" is not there/,
    );
    await Promise.all([outside.close(), gone.close()]);
    expect(openHandles()).toBe(before);
  });
});
