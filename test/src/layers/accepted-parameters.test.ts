/** Settings that look like mistakes, which Caffe takes all the same: what it computes with them. */
import { describe, expect, it } from "vitest";
import { compile } from "../../../src/net/compile.js";
import { inputLayer } from "../../support/input-layer.js";

const count = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i + 1);

const ONES = `weight_filler { type: "constant" value: 1 } bias_term: false`;
const conv = (type: string, settings: string): string =>
  `type: "${type}" convolution_param { num_output: 1 kernel_size: 3 ${settings} ${ONES} }`;

/** The layer, its bottoms' shapes (they hold 1, 2, 3 …), the top's shape and values, and the phase. */
const CASES: readonly (readonly [
  about: string,
  layer: string,
  bottoms: readonly (readonly number[])[],
  shape: readonly number[],
  values: readonly number[],
  phase?: "TRAIN" | "TEST",
])[] = [
  ["Dropout of nothing", `type: "Dropout" dropout_param { dropout_ratio: 0 }`, [[3]], [3], [1, 2, 3]],
  ["the same in TEST", `type: "Dropout" dropout_param { dropout_ratio: 0 }`, [[3]], [3], [1, 2, 3], "TEST"],
  [
    "Dropout of all, in TEST",
    `type: "Dropout" dropout_param { dropout_ratio: 1 }`,
    [[3]],
    [3],
    [1, 2, 3],
    "TEST",
  ],
  ["any ratio, in TEST", `type: "Dropout" dropout_param { dropout_ratio: -2 }`, [[2]], [2], [1, 2], "TEST"],
  ["Accuracy of no guess", `type: "Accuracy" accuracy_param { top_k: 0 }`, [[1, 2], [1]], [], [0]],
  ["a Parameter without a shape", `type: "Parameter"`, [], [], [0]],
  [
    "Flatten of no axes",
    `type: "Flatten" flatten_param { axis: 2 end_axis: 1 }`,
    [[1, 2, 2]],
    [1, 2, 1, 2],
    [1, 2, 3, 4],
  ],
  [
    "MAX with coefficients, which it does not read",
    `type: "Eltwise" eltwise_param { operation: MAX coeff: -1 coeff: 5 }`,
    [[2], [2]],
    [2],
    [1, 2],
  ],
  [
    "kernel_h beside kernel_size",
    `type: "Pooling" pooling_param { pool: AVE kernel_size: 2 kernel_h: 1 }`,
    [[1, 1, 2, 2]],
    [1, 1, 1, 1],
    [2.5],
  ],
  [
    "SPP by STOCHASTIC pooling where bins need no padding",
    `type: "SPP" spp_param { pyramid_height: 2 pool: STOCHASTIC }`,
    [[1, 1, 2, 2]],
    [1, 5],
    [3, 1, 2, 3, 4],
    "TEST",
  ],
  [
    "a kernel that reaches over by less than a stride",
    conv("Convolution", "stride: 2"),
    [[1, 1, 2, 2]],
    [1, 1, 1, 1],
    [10],
  ],
  [
    "the same with padding",
    conv("Convolution", "stride: 2 pad: 0 dilation: 1"),
    [[1, 1, 3, 2]],
    [1, 1, 1, 1],
    [21],
  ],
  [
    "the same laid out",
    conv("Im2col", "stride: 2"),
    [[1, 1, 2, 2]],
    [1, 9, 1, 1],
    [1, 2, 0, 3, 4, 0, 0, 0, 0],
  ],
  ["dilation 0", conv("Convolution", "dilation: 0"), [[1, 1, 1, 2]], [1, 1, 1, 2], [9, 18]],
  [
    "dilation 0 along one axis",
    conv("Convolution", "dilation: 0 dilation: 1 pad: 0 pad: 1"),
    [[1, 1, 1, 2]],
    [1, 1, 1, 2],
    [9, 9],
  ],
  ["the same spread", conv("Deconvolution", "dilation: 0"), [[1, 1, 1, 2]], [1, 1, 1, 2], [9, 18]],
  ["dilation 0 laid out", conv("Im2col", "dilation: 0"), [[1, 1, 1]], [1, 3, 1], [1, 1, 1]],
];

describe("settings that Caffe takes", () => {
  for (const [about, layer, bottoms, shape, values, phase = "TRAIN"] of CASES)
    it(about, async () => {
      const names = bottoms.map((_bottom, i) => `x${i}`);
      const text = `force_backward: true\n${names.map((name, i) => inputLayer(name, ...bottoms[i])).join("")}layer { name: "l" ${names.map((name) => `bottom: "${name}"`).join(" ")} top: "y" ${layer} }`;
      const net = await compile(text, { phase, target: "ts" });
      const given = names.map((name, i) => [name, Float32Array.from(upTo(count(bottoms[i])))] as const);
      // A label among two classes.
      if (layer.includes("Accuracy")) given[1][1].fill(1);
      const { y } = await net.forward(Object.fromEntries(given));
      expect(net.blobs["y"].shape).toEqual(shape);
      expect([...y]).toEqual(values.map((value) => expect.closeTo(value, 5)));
      await net.close();
    });

  it("the gradient of a kernel that reaches over is that of what it finds", async () => {
    const net = await compile(
      `force_backward: true\n${inputLayer("x", 1, 1, 2, 2)}layer { name: "l" bottom: "x" top: "y" ${conv("Convolution", "stride: 2")} }`,
      { phase: "TRAIN", target: "ts" },
    );
    await net.forward({ x: Float32Array.of(1, 2, 3, 4) });
    const { inputs, params } = await net.backward({ y: Float32Array.of(2) });
    expect([...inputs["x"]]).toEqual([2, 2, 2, 2]);
    expect([...params["l"][0]]).toEqual([2, 4, 0, 6, 8, 0, 0, 0, 0]);
    await net.close();
  });
});
