import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openDataset } from "../../../runtime/data/dataset.js";
import { DIGIT_SPLITS, drawDigit, openDigits } from "../../../runtime/data/digits/digits.js";
import { GLYPHS } from "../../../runtime/data/digits/glyphs.js";
import { openRecords } from "../../../runtime/data/record-sources.js";
import { mistakeOf } from "../../support/feeds.js";

const draw = (split: "train" | "test", index: number): { label: number; pixels: Uint8Array } => {
  const pixels = new Uint8Array(784);
  return { label: drawDigit(split, index, pixels), pixels };
};

describe("built-in digits", () => {
  it("the glyphs are those that nets were trained on", () => {
    const hash = createHash("sha256").update(JSON.stringify(GLYPHS)).digest("hex");
    expect(hash).toBe("5fc3d14614418f419c5b31d8de4c9157ea4c394a109f86a2dd2d9d10ddc98f87");
  });

  it("a record is a function of its split and index alone, in any order", async () => {
    const indices = [999, 0, 31, 9_999, 31];
    const once = indices.map((index) => draw("train", index));
    expect(indices.toReversed().map((index) => draw("train", index))).toEqual(once.toReversed());
    const cursor = openDigits("train");
    for (let i = 0; i < 31; i++) await cursor.skip();
    expect(await cursor.next()).toEqual({
      channels: 1,
      height: 28,
      width: 28,
      label: once[2].label,
      data: once[2].pixels,
    });
  });

  it.each(["train", "test"] as const)(
    "%s has all ten classes, about evenly, with ink in the middle",
    (split) => {
      const counts = new Array<number>(10).fill(0);
      for (let i = 0; i < 1000; i++) {
        const { label, pixels } = draw(split, i);
        counts[label]++;
        const ink = pixels.reduce((sum, value) => sum + value, 0);
        expect(ink, `${split} ${i}`).toBeGreaterThan(784 * 5);
        const edge = [...pixels].filter((_, at) => at < 28 || at >= 756 || at % 28 === 0 || at % 28 === 27);
        expect(edge.reduce((sum, value) => sum + value, 0) / ink, `${split} ${i}`).toBeLessThan(0.2);
      }
      expect(Math.min(...counts)).toBeGreaterThan(60);
      expect(Math.max(...counts)).toBeLessThan(150);
    },
  );

  it("the splits share no record", () => {
    const seen = new Set(
      Array.from({ length: 300 }, (_, i) => Buffer.from(draw("train", i).pixels).toString("base64")),
    );
    expect(seen.size).toBe(300);
    for (let i = 0; i < 300; i++)
      expect(seen.has(Buffer.from(draw("test", i).pixels).toString("base64"))).toBe(false);
  });

  it("a record is the caller's: writing to it does not change the next reader's", async () => {
    const first = await openRecords("builtin:digits/test", ".");
    const record = await first.next();
    if (!record || "encoded" in record) throw new Error("digits are plain records");
    record.data.fill(7);
    const again = await openRecords("builtin:digits/test", ".");
    expect(await again.next()).toMatchObject({ data: draw("test", 0).pixels });
  });

  it("the count is the split's, and the walk begins again after the last", async () => {
    const dataset = await openDataset("builtin:digits/test");
    expect(dataset.count).toBe(DIGIT_SPLITS.test);
    const first = await dataset.next();
    for (let i = 1; i < DIGIT_SPLITS.test; i++) await dataset.next();
    expect(await dataset.next()).toEqual(first);
    await dataset.close();
  });

  it.each(["builtin:digits", "builtin:digits/__proto__", "builtin:cats/train"])(
    "%s is not there",
    async (source) => {
      const mistake = await mistakeOf(() => openRecords(source, "."));
      expect(mistake?.message).toContain(`there is no built-in data "${source}"`);
      expect(mistake?.message).toContain('there are "builtin:digits/train" and "builtin:digits/test"');
    },
  );
});
