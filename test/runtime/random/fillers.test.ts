import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { createMessage, type FillerParameter } from "../../../proto/index.js";
import { fill, fillerTypes } from "../../../runtime/random/index.js";

const filler = (own: Partial<FillerParameter>): FillerParameter => createMessage("FillerParameter", own);
const mean = (values: Float32Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
const deviation = (values: Float32Array): number => {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, v) => sum + (v - centre) ** 2, 0) / values.length);
};
const WIDE = [50, 40, 5, 5] as const;
const norms = ["FAN_IN", "FAN_OUT", "AVERAGE"] as const;
const fans = { FAN_IN: 1000, FAN_OUT: 1250, AVERAGE: 1125 } as const;

describe("fillers", () => {
  it("constant is the default, with value 0", () => {
    expect([...fill(filler({}), [3], 1, 0)]).toEqual([0, 0, 0]);
    expect([...fill(filler({ value: 2.5 }), [2], 1, 0)]).toEqual([2.5, 2.5]);
  });

  it("uniform stays in [min, max] with its mean and deviation", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -5, max: 5, noNaN: true }),
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        fc.integer(),
        (min, w, seed) => {
          const values = fill(filler({ type: "uniform", min, max: min + w }), [10_000], seed, 0);
          expect(Math.min(...values)).toBeGreaterThanOrEqual(min - 1e-5);
          expect(Math.max(...values)).toBeLessThanOrEqual(min + w + 1e-5);
          expect(Math.abs(mean(values) - (min + w / 2))).toBeLessThan(0.02 * w);
          expect(Math.abs(deviation(values) - w / Math.sqrt(12))).toBeLessThan(0.02 * w);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("gaussian has its mean and deviation, and keeps `sparse` values per output", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -5, max: 5, noNaN: true }),
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        fc.integer(),
        (m, std, seed) => {
          const values = fill(filler({ type: "gaussian", mean: m, std }), [10_000], seed, 0);
          expect(Math.abs(mean(values) - m)).toBeLessThan(0.06 * std);
          expect(Math.abs(deviation(values) / std - 1)).toBeLessThan(0.05);
        },
      ),
      { numRuns: 20 },
    );
    const sparse = fill(filler({ type: "gaussian", sparse: 25 }), [100, 500], 1, 0);
    const left = sparse.reduce((count, v) => count + (v === 0 ? 0 : 1), 0) / sparse.length;
    expect(Math.abs(left - 0.25)).toBeLessThan(0.01);
  });

  it.each(norms)("xavier and msra divide the variance by %s", (variance_norm) => {
    const xavier = fill(filler({ type: "xavier", variance_norm }), WIDE, 1, 0);
    const scale = Math.sqrt(3 / fans[variance_norm]);
    expect(Math.max(...xavier)).toBeLessThanOrEqual(scale * 1.0001);
    expect(Math.abs(Math.max(...xavier) / scale - 1)).toBeLessThan(0.001);
    expect(Math.abs(deviation(xavier) / Math.sqrt(1 / fans[variance_norm]) - 1)).toBeLessThan(0.02);
    const msra = fill(filler({ type: "msra", variance_norm }), WIDE, 1, 0);
    expect(Math.abs(deviation(msra) / Math.sqrt(2 / fans[variance_norm]) - 1)).toBeLessThan(0.02);
  });

  it("counts the whole of a vector as its fan-out", () => {
    const values = fill(filler({ type: "xavier", variance_norm: "FAN_OUT" }), [10_000], 1, 0);
    expect(Math.abs(Math.max(...values) / Math.sqrt(3 / 10_000) - 1)).toBeLessThan(0.001);
  });

  it("positive_unitball rows are positive and sum to 1", () => {
    const values = fill(filler({ type: "positive_unitball" }), [7, 3, 11], 5, 0);
    for (let row = 0; row < 7; row++) {
      const part = values.subarray(row * 33, row * 33 + 33);
      expect(Math.min(...part)).toBeGreaterThanOrEqual(0);
      expect(part.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
  });

  it("bilinear is the interpolation kernel", () => {
    const row4 = [0.25, 0.75, 0.75, 0.25];
    const row3 = [0.5, 1, 0.5];
    const outer = (row: number[]): number[] => row.flatMap((a) => row.map((b) => a * b));
    expect([...fill(filler({ type: "bilinear" }), [1, 1, 4, 4], 1, 0)]).toEqual(outer(row4));
    expect([...fill(filler({ type: "bilinear" }), [2, 1, 3, 3], 1, 0)]).toEqual([
      ...outer(row3),
      ...outer(row3),
    ]);
    expect(() => fill(filler({ type: "bilinear" }), [1, 1, 3, 4], 1, 0)).toThrow(/1×1×3×4/);
  });

  it("gives the same values again, others for another seed or stream", () => {
    for (const type of fillerTypes) {
      const own = filler({ type, value: 1 });
      const shape = [3, 2, 4, 4];
      expect(fill(own, shape, 9, 4)).toEqual(fill(own, shape, 9, 4));
      if (type === "constant" || type === "bilinear") continue;
      expect(fill(own, shape, 9, 4)).not.toEqual(fill(own, shape, 9, 5));
      expect(fill(own, shape, 9, 4)).not.toEqual(fill(own, shape, 8, 4));
    }
  });

  it("explains what it cannot do", () => {
    expect(() => fill(filler({ type: "xaiver" }), [1], 1, 0)).toThrow(/did you mean "xavier"/);
    expect(() => fill(filler({ type: "__proto__" }), [1], 1, 0)).toThrow(CortadoError);
    expect(() => fill(filler({ type: "uniform", sparse: 2 }), [1], 1, 0)).toThrow(/only the gaussian/);
    expect(fill(filler({ type: "gaussian" }), [0, 3], 1, 0).length).toBe(0);
  });
});
