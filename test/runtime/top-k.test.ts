import fc from "fast-check";
import { expect, it } from "vitest";
import { topK } from "../../src/index.js";

it("gives the greatest, of equal ones the first, and their names", () => {
  expect(topK([0.1, 0.5, 0.4, 0.5], { k: 3, labels: ["a", "b", "c"] })).toEqual([
    { index: 1, score: 0.5, label: "b" },
    { index: 3, score: 0.5 },
    { index: 2, score: expect.closeTo(0.4, 6), label: "c" },
  ]);
  expect(topK([1, 2])).toHaveLength(2);
  expect(topK([Number.NaN, 1, Number.NEGATIVE_INFINITY]).map(({ index }) => index)).toEqual([1, 0, 2]);
});

it("is sorted, of any numbers", () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true }), { maxLength: 50 }),
      fc.integer({ min: 1, max: 60 }),
      (scores, k) => {
        const made = topK(scores, { k });
        expect(made.map(({ score }) => score)).toEqual([
          ...Float32Array.from(scores).sort().reverse().slice(0, k),
        ]);
      },
    ),
  );
});
