import { describe, expect, it } from "vitest";
import type { Feed } from "../../../runtime/data/batches.js";
import { prefetching } from "../../../runtime/data/prefetch.js";
import { batchOf } from "../../support/feeds.js";

/** Counts up, fails where it should, and notes what is asked of it. */
function counting(failAt: readonly number[] = []) {
  const log: string[] = [];
  let calls = 0;
  let running = 0;
  const feed: Feed = {
    shapes: [[2], [1]],
    async next([a, b]) {
      const call = calls++;
      log.push(`read ${call}`);
      if (++running > 1) throw new Error("two reads at once");
      await new Promise((done) => setTimeout(done, 2));
      running--;
      if (failAt.includes(call)) throw new Error(`broken ${call}`);
      a.fill(call);
      b.fill(-call);
    },
    async close() {
      log.push(running > 0 ? "closed while reading" : "closed");
    },
  };
  return { feed, log };
}

describe("reading ahead", () => {
  it("gives the batches of the feed itself, the next one begun when one is given", async () => {
    const { feed, log } = counting();
    const ahead = prefetching(feed);
    expect(ahead.shapes).toBe(feed.shapes);
    expect(log).toEqual([]);
    for (let i = 0; i < 5; i++) {
      expect((await batchOf(ahead)).map((values) => [...values])).toEqual([[i, i], [i === 0 ? -0 : -i]]);
      expect(log.at(-1)).toBe(`read ${i + 1}`);
    }
    await ahead.close();
    expect(log.at(-1)).toBe("closed");
  });

  it("a batch given stays what it is while the next is read", async () => {
    const ahead = prefetching(counting().feed);
    const first = await batchOf(ahead);
    const second = await batchOf(ahead);
    await batchOf(ahead);
    expect([[...first[0]], [...second[0]]]).toEqual([
      [0, 0],
      [1, 1],
    ]);
    await ahead.close();
  });

  it("a mistake comes at the call that it belongs to, and reading goes on behind it", async () => {
    const { feed, log } = counting([0, 2]);
    const ahead = prefetching(feed);
    await expect(batchOf(ahead)).rejects.toThrow("broken 0");
    expect((await batchOf(ahead))[0][0]).toBe(1);
    await expect(batchOf(ahead)).rejects.toThrow("broken 2");
    expect(log).toEqual(["read 0", "read 1", "read 2"]);
    expect((await batchOf(ahead))[0][0]).toBe(3);
    await ahead.close();
  });

  it("closing waits for what is being read; a mistake in that troubles nobody", async () => {
    const { feed, log } = counting([1]);
    const ahead = prefetching(feed);
    await batchOf(ahead);
    await ahead.close();
    expect(log).toEqual(["read 0", "read 1", "closed"]);
  });
});
