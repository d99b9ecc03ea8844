import { expect, test } from "vitest";
import { runTest, weightedLoss } from "../../../runtime/solver/testing.js";

test("a test's outputs are means over its batches, and its loss is theirs by weight", async () => {
  let batch = 0;
  const net = {
    outputs: ["scores", "a", "b"],
    lossWeights: { a: 2, b: 0.5 },
    forward: async () => {
      const k = batch++;
      return { scores: Float32Array.of(k, 10 + k), a: Float32Array.of(1 + 2 * k), b: Float32Array.of(4) };
    },
  };
  expect(await runTest(net, 2)).toEqual({
    outputs: [
      { blob: "scores", index: 0, value: 0.5, lossWeight: 0 },
      { blob: "scores", index: 1, value: 10.5, lossWeight: 0 },
      { blob: "a", index: 2, value: 2, lossWeight: 2 },
      { blob: "b", index: 3, value: 4, lossWeight: 0.5 },
    ],
    loss: 6,
  });
  expect(await runTest(net, 2, () => true)).toBeUndefined();
});

test("what has no weight adds nothing to the loss, not even what is not a number", () => {
  const output = { blob: "x", index: 0, value: Number.NaN, lossWeight: 0 };
  expect(weightedLoss([output, { ...output, value: 3, lossWeight: 2 }])).toBe(6);
});
