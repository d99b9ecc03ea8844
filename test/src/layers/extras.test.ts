/**
 * The layer types of common forks: values worked out by hand or by the plainest loops, gradients by differences. Caffe
 * itself has none of them.
 */
import { describe, expect, it } from "vitest";
import { checkGradients } from "../../../src/check-gradients.js";
import { formatGradientReport } from "../../../src/formats.js";
import { extras, knownLayerTypes } from "../../../src/layers/index.js";
import { compile } from "../../../src/net/compile.js";
import { formatNet } from "../../../src/net-text/index.js";
import { deviceTargets } from "../../support/device-targets.js";
import { counting, type Given, outputOf, textOf } from "./extras-support.js";

const targets = ["wasm", ...(await deviceTargets())] as const;

const RUNS = Number(process.env["CORTADO_GRADIENT_RUNS"] ?? 120);

const CASES: readonly (Given & {
  readonly name: string;
  readonly y: readonly number[];
  readonly to?: readonly number[];
})[] = [
  {
    name: "ReLU6",
    layer: 'type: "ReLU6"',
    shapes: [[5]],
    data: [[-2, 0, 3, 6, 7]],
    y: [0, 0, 3, 6, 6],
  },
  {
    name: "ReLU6 with a slope",
    layer: 'type: "ReLU6" relu_param { negative_slope: 0.5 }',
    shapes: [[3]],
    data: [[-2, 3, 9]],
    y: [-1, 3, 6],
  },
  {
    name: "DepthwiseConvolution: weights of 1 add up each channel's window",
    layer:
      'type: "DepthwiseConvolution" convolution_param { num_output: 2 kernel_size: 2 bias_term: false weight_filler { type: "constant" value: 1 } }',
    shapes: [[1, 2, 2, 3]],
    y: [1 + 2 + 4 + 5, 2 + 3 + 5 + 6, 7 + 8 + 10 + 11, 8 + 9 + 11 + 12],
    to: [1, 2, 1, 2],
  },
  {
    name: "ConvolutionDepthwise with two filters for each channel",
    layer:
      'type: "ConvolutionDepthwise" convolution_param { num_output: 4 kernel_size: 1 group: 2 weight_filler { type: "constant" value: 2 } bias_filler { type: "constant" value: 1 } }',
    shapes: [[1, 2, 1, 2]],
    y: [3, 5, 3, 5, 7, 9, 7, 9],
    to: [1, 4, 1, 2],
  },
  {
    name: "Permute: N × H × W × C, as in SSD",
    layer: 'type: "Permute" permute_param { order: 0 order: 2 order: 3 order: 1 }',
    shapes: [[1, 2, 2, 2]],
    y: [1, 5, 2, 6, 3, 7, 4, 8],
  },
  {
    name: "Permute: what order does not name follows",
    layer: 'type: "Permute" permute_param { order: [2] }',
    shapes: [[1, 2, 3]],
    y: [1, 4, 2, 5, 3, 6],
    to: [3, 1, 2],
  },
  {
    name: "Permute without order",
    layer: 'type: "Permute"',
    shapes: [[2, 2]],
    y: [1, 2, 3, 4],
  },
  {
    name: "ShuffleChannel",
    layer: 'type: "ShuffleChannel" shuffle_channel_param { group: 2 }',
    shapes: [[1, 6, 1, 1]],
    y: [1, 4, 2, 5, 3, 6],
  },
  {
    name: "Axpy",
    layer: 'type: "Axpy"',
    shapes: [
      [1, 2, 1, 1],
      [1, 2, 1, 2],
      [1, 2, 1, 2],
    ],
    data: [
      [2, 3],
      [1, 2, 3, 4],
      [10, 20, 30, 40],
    ],
    y: [12, 24, 39, 52],
  },
  {
    name: "Normalize over the whole sample",
    layer: 'type: "Normalize" norm_param { scale_filler { type: "constant" value: 10 } }',
    shapes: [[2, 2, 1, 2]],
    data: [[1, 1, 1, 1, 0, 3, 4, 0]],
    y: [5, 5, 5, 5, 0, 6, 8, 0],
  },
  {
    name: "Normalize over the channels, one scale each, from 1",
    layer: 'type: "Normalize" norm_param { across_spatial: false channel_shared: false }',
    shapes: [[1, 2, 1, 2]],
    data: [[3, 0, 4, 5]],
    y: [0.6, 0, 0.8, 1],
  },
  {
    name: "Interp: corners meet corners",
    layer: 'type: "Interp" interp_param { height: 3 width: 4 }',
    shapes: [[1, 1, 2, 2]],
    data: [[0, 3, 6, 9]],
    y: [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9],
    to: [1, 1, 3, 4],
  },
  {
    name: "Interp: zoom",
    layer: 'type: "Interp" interp_param { zoom_factor: 2 }',
    shapes: [[1, 1, 1, 3]],
    data: [[0, 2, 6]],
    y: [0, 1, 2, 4, 6],
    to: [1, 1, 1, 5],
  },
  {
    name: "Interp: shrink behind cut ends",
    layer: 'type: "Interp" interp_param { shrink_factor: 2 pad_beg: -1 pad_end: -1 }',
    shapes: [[1, 1, 3, 7]],
    y: [9, 11, 13],
    to: [1, 1, 1, 3],
  },
  {
    name: "Interp to one value takes the first",
    layer: 'type: "Interp" interp_param { height: 1 width: 1 }',
    shapes: [[1, 2, 2, 2]],
    y: [1, 5],
    to: [1, 2, 1, 1],
  },
  {
    name: "Upsample: nearest",
    layer: 'type: "Upsample" upsample_param { scale: 2 }',
    shapes: [[1, 1, 1, 2]],
    y: [1, 1, 2, 2, 1, 1, 2, 2],
    to: [1, 1, 2, 4],
  },
  {
    name: "Upsample with a scale for each axis",
    layer: 'type: "Upsample" upsample_param { scale_h: 1 scale_w: 3 }',
    shapes: [[1, 1, 2, 1]],
    y: [1, 1, 1, 2, 2, 2],
    to: [1, 1, 2, 3],
  },
  {
    name: "Upsample by a mask",
    layer: 'type: "Upsample" upsample_param { scale: 2 }',
    shapes: [
      [1, 1, 2, 2],
      [1, 1, 2, 2],
    ],
    data: [
      [1, 2, 3, 4],
      [5, 2, 8, 15],
    ],
    y: [0, 0, 2, 0, 0, 1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 4],
    to: [1, 1, 4, 4],
  },
  {
    name: "Upsample by a mask, one column less",
    layer: 'type: "Upsample" upsample_param { pad_out_w: true }',
    shapes: [
      [1, 1, 1, 2],
      [1, 1, 1, 2],
    ],
    data: [
      [1, 2],
      [3, 2],
    ],
    y: [0, 0, 2, 1, 0, 0],
    to: [1, 1, 2, 3],
  },
];

describe("values", () => {
  it.each(CASES)("$name", async (given) => {
    const { values, shape } = await outputOf(given);
    expect(shape).toEqual(given.to ?? given.shapes.at(-1));
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(given.y[i], 5);
  });

  describe.each(targets)("on %s", (target) => {
    it.each(CASES)("$name", async (given) => {
      const { values } = await outputOf(given, target);
      for (const [i, value] of values.entries()) expect(value).toBeCloseTo(given.y[i], 5);
    });
  });
});

it("Permute of three axes is what indices say", async () => {
  const shape = [2, 3, 4];
  const order = [2, 0, 1];
  const { values } = await outputOf({
    layer: `type: "Permute" permute_param { order: [${order.join(", ")}] }`,
    shapes: [shape],
  });
  const x = counting(shape);
  let at = 0;
  for (let i = 0; i < 4; i++)
    for (let j = 0; j < 2; j++) for (let k = 0; k < 3; k++) expect(values[at++]).toBe(x[(j * 3 + k) * 4 + i]);
});

it("Upsample undoes a pooling whose mask it takes", async () => {
  const net = await compile(
    `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 5 dim: 4 } } }
     layer { name: "pool" type: "Pooling" bottom: "x" top: "p" top: "mask" pooling_param { kernel_size: 2 stride: 2 } }
     layer { name: "up" type: "Upsample" bottom: "p" bottom: "mask" top: "y" upsample_param { upsample_h: 5 upsample_w: 4 } }`,
    { layers: extras, keep: ["p"] },
  );
  const x = Float32Array.from({ length: 40 }, (_, i) => ((i * 17) % 41) + 1);
  const { y } = await net.forward({ x });
  const pooled = await net.read("p");
  expect([...y].filter((value) => value !== 0).sort()).toEqual([...pooled].sort());
  for (const [i, value] of y.entries()) if (value !== 0) expect(value).toBe(x[i]);
  await net.close();
});

it("depthwise convolutions are Convolution with groups", async () => {
  const settings = (group: string): string =>
    `convolution_param { num_output: 6 kernel_size: 3 pad: 1 stride: 2 ${group} weight_filler { type: "xavier" } }`;
  const shapes = [[2, 3, 5, 6]];
  const [wanted, ...found] = await Promise.all(
    [
      `type: "Convolution" ${settings("group: 3")}`,
      `type: "DepthwiseConvolution" ${settings("")}`,
      `type: "ConvolutionDepthwise" ${settings("group: 3")}`,
    ].map((layer) => outputOf({ layer, shapes })),
  );
  for (const one of found) expect(one).toEqual(wanted);
});

describe("gradients", () => {
  it.each(extras.map((type) => [type.type, type] as const))("%s", { timeout: 3_600_000 }, async (_, type) => {
    const report = await checkGradients(type, { runs: RUNS, seed: 5 });
    expect(report.failures.length, formatGradientReport(report)).toBe(0);
    expect(report.kinks).toBeLessThanOrEqual(Math.ceil(0.02 * RUNS));
  });
});

it("are written back as they were read", async () => {
  const layer =
    'type: "Normalize" norm_param { across_spatial: false scale_filler { type: "constant" value: 20 } eps: 0.5 }';
  const net = await compile(textOf({ layer, shapes: [[1, 2]] }), { layers: extras });
  const text = formatNet(net.definition.net);
  expect(text).toContain("norm_param {\n    across_spatial: false\n    scale_filler {");
  const again = await compile(text, { layers: extras });
  expect(formatNet(again.definition.net)).toBe(text);
  await again.close();
  await net.close();
});

it("have names that Caffe 1.0 does not use, sorted", () => {
  const names = extras.map(({ type }) => type);
  expect(names).toEqual([...names].sort());
  for (const name of names) expect(knownLayerTypes().has(name)).toBe(false);
});
