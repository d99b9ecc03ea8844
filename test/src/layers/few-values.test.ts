/** Statistics and normalisers of as few values as there can be: one in a channel or a row, no label that counts. */
import { describe, expect, it } from "vitest";
import { compile } from "../../../src/net/compile.js";
import { inputLayer as input } from "../../support/input-layer.js";

type Given = Readonly<Record<string, readonly [shape: readonly number[], values: readonly number[]]>>;

async function run(layer: string, given: Given) {
  const names = Object.keys(given);
  const bottoms = names.map((name) => `bottom: "${name}"`).join(" ");
  const text = `force_backward: true\n${names.map((name) => input(name, ...given[name][0])).join("")}layer { name: "l" ${bottoms} top: "y" ${layer} }`;
  const net = await compile(text, { phase: "TRAIN", target: "ts" });
  const { y } = await net.forward(
    Object.fromEntries(names.map((name) => [name, Float32Array.from(given[name][1])])),
  );
  const { inputs } = await net.backward(
    Object.keys(net.lossWeights).length > 0 ? undefined : { y: new Float32Array(y.length).fill(1) },
  );
  const params = await Promise.all((net.params["l"] ?? []).map(async (param) => [...(await param.read())]));
  await net.close();
  return { y: [...y], params, diff: [...inputs[names[0]]] };
}

describe("BatchNorm in training", () => {
  it("keeps the variance of one value a channel as it is, 0, where m / (m − 1) would be infinite", async () => {
    const x = [2, -3, 5];
    const { y, params, diff } = await run('type: "BatchNorm"', { x: [[1, 3], x] });
    expect([y, diff]).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(params).toEqual([x, [0, 0, 0], [1]]);
  });
  it("doubles the kept variance of two values, and not the one that it divides by", async () => {
    const { y, params } = await run('type: "BatchNorm" batch_norm_param { eps: 0 }', {
      x: [
        [2, 1],
        [1, 7],
      ],
    });
    expect(y).toEqual([-1, 1]);
    expect(params).toEqual([[4], [18], [1]]);
  });
});

describe("MVN", () => {
  it.each([
    ["one value", [[1, 1], [3]]],
    [
      "equal values",
      [
        [1, 1, 3],
        [4, 4, 4],
      ],
    ],
  ] as const)("of %s is 0", async (_, x) => {
    const { y, diff } = await run('type: "MVN"', { x });
    expect([y.every((value) => value === 0), diff.every(Number.isFinite)]).toEqual([true, true]);
  });
});

describe("a loss of which nothing counts", () => {
  const scores = [
    [2, 3],
    [1, 2, 3, 3, 2, 1],
  ] as const;
  it.each([
    ["SoftmaxWithLoss", scores, [[2], [9, 9]], 'type: "SoftmaxWithLoss" loss_param { ignore_label: 9 }'],
    [
      "SigmoidCrossEntropyLoss",
      scores,
      [
        [2, 3],
        [9, 9, 9, 9, 9, 9],
      ],
      'type: "SigmoidCrossEntropyLoss" loss_param { ignore_label: 9 normalization: VALID }',
    ],
  ] as const)("%s is 0, and its diffs are", async (_, x, label, layer) => {
    const { y, diff } = await run(layer, { x, label });
    expect(y).toEqual([0]);
    expect(diff.every((value) => value === 0)).toBe(true);
  });
  it("Accuracy of nothing is 0", async () => {
    const net = await compile(
      `${input("x", 2, 3)}${input("label", 2)}layer { name: "l" type: "Accuracy" bottom: "x" bottom: "label" top: "y" accuracy_param { ignore_label: 9 } }`,
      { phase: "TEST", target: "ts" },
    );
    const { y } = await net.forward({ x: Float32Array.from(scores[1]), label: Float32Array.of(9, 9) });
    expect([...y]).toEqual([0]);
    await net.close();
  });
});
