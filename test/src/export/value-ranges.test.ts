import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findRange } from "../../../src/export/value-ranges.js";

const numbers = fc.array(
  fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 60 }),
  { minLength: 1, maxLength: 5 },
);

describe("findRange", () => {
  it("goes from the least number to the greatest, with 0 between", () => {
    fc.assert(
      fc.property(numbers, (parts) => {
        const finder = findRange();
        for (const part of parts) finder.add(Float32Array.from(part));
        const all = parts.flat();
        expect(finder.range()).toEqual({
          least: Math.min(0, ...all) + 0,
          greatest: Math.max(0, ...all) + 0,
        });
        expect(finder.finite).toBe(true);
      }),
    );
  });

  it("leaves out so many in a hundred on each side, to within a class", () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 50, max: 99 }), (parts, percentile) => {
        const finder = findRange(percentile);
        for (const part of parts) finder.add(Float32Array.from(part));
        const { least, greatest } = finder.range();
        const all = parts.flat();
        const most = (1 - percentile / 100) * all.length;
        expect(all.filter((x) => x > greatest).length).toBeLessThanOrEqual(most);
        expect(all.filter((x) => x < least).length).toBeLessThanOrEqual(most);
        // A class of the widest is a 2048th of the farthest number.
        const width = Math.max(...all.map(Math.abs)) / 2048;
        if (greatest > 0)
          expect(all.filter((x) => x >= greatest - 1.01 * width).length).toBeGreaterThan(most);
        if (least < 0) expect(all.filter((x) => x <= least + 1.01 * width).length).toBeGreaterThan(most);
      }),
      { numRuns: 500 },
    );
  });

  it("does without what is rare", () => {
    const finder = findRange(99);
    finder.add(Float32Array.from({ length: 1000 }, (_, i) => (i === 500 ? 1e6 : Math.sin(i))));
    const { greatest } = finder.range();
    // One class is as wide as the farthest number asks for.
    expect(greatest).toBeLessThanOrEqual(1e6 / 2048);
  });

  it("tells of what is not finite", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const finder = findRange(99);
      finder.add(Float32Array.of(1, bad));
      expect(finder.finite).toBe(false);
    }
  });
});
