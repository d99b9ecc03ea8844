import { describe, expect, it } from "vitest";
import { BENCHMARK_NETS } from "../../benchmarks/nets/benchmark-nets.js";
import {
  describeNet,
  inputsFor,
  type NetDescription,
  weightsFor,
} from "../../benchmarks/peers/net-description.js";
import { sizeOf } from "../../codegen/ir/graph.js";

const learned = ({ layers }: NetDescription): number =>
  layers
    .filter(({ type }) => type !== "BatchNorm")
    .flatMap(({ params }) => params)
    .reduce((sum, shape) => sum + sizeOf(shape), 0);

describe("the benchmarks' nets", () => {
  it.each([
    // As published: of ResNet-50 25,557,032 and a bias of conv1, which Caffe's has.
    ["lenet", 431_080, 0.29],
    ["caffenet", 60_965_224, 14.5],
    ["googlenet", 6_998_552, 32],
    ["resnet50", 25_557_096, 31],
  ] as const)("%s has %i parameters and about %f GFLOP", async (name, parameters, gflop) => {
    const net = await describeNet(BENCHMARK_NETS[name].text(), "TEST");
    expect(learned(net)).toBe(parameters);
    expect(net.outputs).toEqual(["prob"]);
    expect(net.losses).toEqual({});
    expect(Math.abs(net.flops.forward / 1e9 / gflop - 1)).toBeLessThan(0.03);
  });

  it("GoogLeNet has two auxiliary losses in training", async () => {
    const net = await describeNet(BENCHMARK_NETS.googlenet.text(1), "TRAIN");
    expect(Object.keys(net.losses).sort()).toEqual(["loss", "loss1/loss", "loss2/loss"]);
    expect(net.losses["loss1/loss"]).toBeCloseTo(0.3);
    expect(net.random).toBe(true);
  });
});

describe("a description", () => {
  const text = (layer: string): string =>
    `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } } ${layer}`;

  it("has defaults filled in and shapes inferred", async () => {
    const conv =
      'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 stride: 2 } }';
    const pool = 'layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 2 } }';
    const { layers, inputs } = await describeNet(text(`${conv} ${pool}`), "TEST");
    expect(inputs).toEqual({ data: [2, 3, 8, 8] });
    expect(layers).toEqual([
      {
        name: "c",
        type: "Convolution",
        bottoms: ["data"],
        tops: ["c"],
        shapes: [[2, 4, 3, 3]],
        params: [[4, 3, 3, 3], [4]],
        settings: { kernel: 3, stride: 2, pad: 0, dilation: 1, group: 1, bias: true },
      },
      {
        name: "p",
        type: "Pooling",
        bottoms: ["c"],
        tops: ["p"],
        shapes: [[2, 4, 2, 2]],
        params: [],
        settings: { method: "MAX", kernel: 2, stride: 1, pad: 0 },
      },
    ]);
  });

  it.each([
    ['type: "TanH" bottom: "data" top: "t"', "do not know type TanH"],
    [
      'type: "Pooling" bottom: "data" top: "t" pooling_param { kernel_h: 2 kernel_w: 3 }',
      "square MAX and AVE windows",
    ],
    [
      'type: "Convolution" bottom: "data" top: "t" convolution_param { num_output: 1 kernel_size: [2, 3] }',
      "square windows only",
    ],
    ['type: "Eltwise" bottom: "data" bottom: "data" top: "t" eltwise_param { operation: PROD }', "sums only"],
  ])("refuses %s", async (layer, message) => {
    await expect(describeNet(text(`layer { name: "t" ${layer} }`), "TEST")).rejects.toThrow(message);
  });

  it("counts no gradient of the images in a step, and two products of every other layer", async () => {
    const net = await describeNet(BENCHMARK_NETS.lenet.text(1), "TRAIN");
    const conv1 = 2 * 20 * 24 * 24 * 25;
    expect(net.flops.step).toBe(3 * net.flops.forward - conv1);
  });

  it("gives weights and inputs that are the same each time and fit it", async () => {
    const net = await describeNet(BENCHMARK_NETS.lenet.text(2), "TRAIN");
    const weights = weightsFor(net);
    expect(weights.layers.map(({ name, blobs }) => [name, blobs.map(({ shape }) => shape)])).toEqual(
      net.layers.filter(({ params }) => params.length > 0).map(({ name, params }) => [name, params]),
    );
    expect(weights).toEqual(weightsFor(net));
    const { data, label } = inputsFor(net, 10);
    expect(data).toHaveLength(2 * 28 * 28);
    expect([...label]).toEqual([3, 0]);
  });
});
