import { describe, expect, it } from "vitest";
import { createMessage, type FillerParameter } from "../../../proto/index.js";
import { openFeed } from "../../../runtime/data/open-feed.js";
import { batchOf } from "../../support/feeds.js";

const filler = (type: string, value = 0): FillerParameter =>
  createMessage("FillerParameter", { type, value });
const open = (seed: number, index?: number) =>
  openFeed(
    {
      kind: "filler",
      tops: [
        { shape: [2, 3], filler: filler("constant", 5) },
        { shape: [4], filler: filler("gaussian") },
        { shape: [4], filler: filler("gaussian") },
      ],
    },
    { root: ".", phase: "TRAIN", seed, index },
  );

describe("DummyData's feed", () => {
  it("a constant stays; all else is new in each batch and each top", async () => {
    const feed = await open(1);
    expect(feed.shapes).toEqual([[2, 3], [4], [4]]);
    const [first, second] = [await batchOf(feed), await batchOf(feed)];
    expect([...first[0]]).toEqual([5, 5, 5, 5, 5, 5]);
    expect(second[0]).toEqual(first[0]);
    const drawn = [first[1], first[2], second[1], second[2]].map((values) => values.join());
    expect(new Set(drawn).size).toBe(4);
    await feed.close();
  });

  it("is the same for the same seed, and differs between seeds and between layers", async () => {
    const firstOf = async (seed: number, index?: number) =>
      (await batchOf(await open(seed, index)))[1].join();
    expect(await firstOf(1)).toBe(await firstOf(1));
    expect(new Set([await firstOf(1), await firstOf(2), await firstOf(1, 7)]).size).toBe(3);
  });
});
