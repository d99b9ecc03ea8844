import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALIGNMENT, aligned, mostLive, packArena, type Request } from "../../../codegen/plan/arena.js";
import { callsIn } from "../../support/work.js";

const requests: fc.Arbitrary<readonly Request[]> = fc.array(
  fc
    .tuple(fc.nat(5000), fc.integer({ min: -1, max: 40 }), fc.nat(20))
    .map(([bytes, first, span]) => ({ bytes, first, last: first + span })),
  { maxLength: 60 },
);

/** A sequence of pseudo-random numbers in [0, 1). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("packArena", () => {
  it("keeps apart what is live together, aligned, and takes no more than without sharing", () => {
    fc.assert(
      fc.property(requests, (wanted) => {
        const { offsets, bytes } = packArena(wanted);
        wanted.forEach((a, i) => {
          expect(offsets[i] % ALIGNMENT).toBe(0);
          expect(offsets[i] + a.bytes).toBeLessThanOrEqual(bytes);
          wanted.slice(0, i).forEach((b, j) => {
            const together = a.first <= b.last && b.first <= a.last;
            const apart = offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
            expect(apart || !together || a.bytes * b.bytes === 0).toBe(true);
          });
        });
        expect(bytes).toBeLessThanOrEqual(wanted.reduce((sum, r) => sum + aligned(r.bytes), 0));
        expect(bytes).toBeGreaterThanOrEqual(mostLive(wanted).bytes);
      }),
      { numRuns: 500 },
    );
  });

  it("gives a chain two buffers", () => {
    const chain = Array.from({ length: 100 }, (_, i) => ({ bytes: 1024, first: i, last: i + 1 }));
    expect(packArena(chain).bytes).toBe(2048);
  });

  it("places very many, by the same rules", () => {
    const next = numbers(11);
    const wanted = Array.from({ length: 30_000 }, (_, i) => {
      const large = i % 500 === 0;
      const first = Math.floor(i / 3);
      return {
        bytes: large ? 1e6 : 256 * Math.floor(next() * 8),
        first,
        last: first + (large ? 3000 : Math.floor(next() * 4)),
      };
    });
    const { offsets, bytes } = packArena(wanted);
    const live = new Set<number>();
    for (const [i, { bytes: size, first }] of wanted.entries()) {
      for (const j of live) if (wanted[j].last < first) live.delete(j);
      for (const j of live)
        if (offsets[i] < offsets[j] + wanted[j].bytes && offsets[j] < offsets[i] + size)
          throw new Error(`${i} and ${j} overlap`);
      if (size > 0) live.add(i);
    }
    expect(offsets.every((at) => at % ALIGNMENT === 0)).toBe(true);
    expect(Math.max(...offsets.map((at, i) => at + wanted[i].bytes))).toBe(bytes);
    expect(bytes).toBeLessThan(1.1 * mostLive(wanted).bytes);
  });

  it("reuses the tightest gap", () => {
    // A long one keeps two gaps apart: 1024 and 512 bytes; the last request fits the smaller.
    const { offsets, bytes } = packArena([
      { bytes: 2048, first: 0, last: 9 },
      { bytes: 1024, first: 0, last: 4 },
      { bytes: 512, first: 5, last: 9 },
      { bytes: 512, first: 5, last: 9 },
    ]);
    expect(bytes).toBe(3072);
    expect(new Set(offsets).size).toBeGreaterThan(2);
  });

  it("stays near the most that is live at once", () => {
    const next = numbers(7);
    let worst = 1;
    for (let round = 0; round < 30; round++) {
      const wanted = Array.from({ length: 120 }, () => {
        const first = Math.floor(next() * 100);
        return { bytes: 256 * Math.ceil(next() * 200), first, last: first + Math.floor(next() * 20) };
      });
      worst = Math.max(worst, packArena(wanted).bytes / mostLive(wanted).bytes);
    }
    expect(worst).toBeLessThan(1.2);
  });

  it("packs the largest of many as it packs few, and the others in time that grows with their number", () => {
    const requests = (count: number) => {
      const next = numbers(11);
      // Most take nothing: what is counted is the sorting of all.
      return Array.from({ length: count }, (_, i) => {
        const first = Math.floor(next() * 100);
        const bytes = i % 40 === 0 ? 256 * Math.ceil(next() * 1000) : 0;
        return { bytes, first, last: first + Math.floor(next() * 20) };
      });
    };
    const [few, more, many] = [4000, 4001, 40_000].map(requests);
    expect(callsIn(() => packArena(many)) / callsIn(() => packArena(few))).toBeLessThan(10);
    expect(packArena(more).bytes / mostLive(more).bytes).toBeLessThan(1.05);
  }, 60_000);

  it("takes nothing for nothing", () => {
    expect(packArena([])).toEqual({ offsets: [], bytes: 0 });
    expect(packArena([{ bytes: 0, first: 0, last: 3 }]).bytes).toBe(0);
  });
});
