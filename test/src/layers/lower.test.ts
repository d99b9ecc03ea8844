/** Lowering a net: versions, parameters, randomness, who takes part in backward, and layers that users add. */
import { describe, expect, it } from "vitest";
import { nodesOf } from "../../../codegen/ir/graph.js";
import { add, arg, constant, mul } from "../../../codegen/ir/scalar.js";
import {
  decideBackward,
  defineLayer,
  elementwise,
  feedsOf,
  type LoweredNet,
  STEP,
} from "../../../src/layers/index.js";
import { parseNet } from "../../../src/net-text/index.js";
import { evaluate, lowerText } from "../../support/lowered.js";

const input = (name: string, ...dims: number[]): string =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims.map((dim) => `dim: ${dim}`).join(" ")} } } }\n`;
const ip = (name: string, bottom: string, more = ""): string =>
  `layer { name: "${name}" type: "InnerProduct" bottom: "${bottom}" top: "${name}" inner_product_param { num_output: 3 bias_term: false } ${more} }\n`;
const reachable = (lowered: LoweredNet, blob: string) =>
  nodesOf({ roots: [{ role: "value", blob, node: lowered.blobs.get(blob)!.last }] });

describe("blobs", () => {
  it("keep the first and the last value under a name that is used in place", () => {
    const net = lowerText(
      `${input("x", 2, 3)}layer { name: "r" type: "ReLU" bottom: "x" top: "x" }\nlayer { name: "s" type: "Sigmoid" bottom: "x" top: "x" }`,
    );
    const { first, last, shape } = net.blobs.get("x")!;
    expect(shape).toEqual([2, 3]);
    expect([first.op, last.op]).toEqual(["blob", "blob"]);
    expect([first, last].map((node) => node.op === "blob" && node.version)).toEqual([0, 2]);
    expect(net.layers[2].bottomNodes[0]).toBe(net.layers[1].topNodes[0]);
    expect(net.outputs).toEqual(["x"]);
  });

  it("may be in place where Caffe cannot", () => {
    const net = lowerText(
      `force_backward: true\n${input("x", 2, 3)}layer { name: "p" type: "Power" bottom: "x" top: "y" }\nlayer { name: "s" type: "Slice" bottom: "y" top: "a" top: "b" top: "c" slice_param { axis: 1 } }\nlayer { name: "k" type: "Concat" bottom: "a" bottom: "b" top: "a" }`,
    );
    expect(net.blobs.get("a")!.shape).toEqual([2, 2]);
  });

  it("take other shapes from the caller", () => {
    const text = `${input("x", 2, 3)}${ip("y", "x")}`;
    expect(lowerText(text, { shapes: { x: [7, 5] } }).blobs.get("y")!.shape).toEqual([7, 3]);
    const open = `layer { name: "x" type: "Input" top: "x" }\n${ip("y", "x")}`;
    expect(lowerText(open, { shapes: { x: [4, 2] } }).params[0].shape).toEqual([3, 2]);
  });
});

describe("parameters", () => {
  it("carry filler, multipliers and owner", () => {
    const net = lowerText(
      `${input("x", 2, 5)}layer { name: "y" type: "InnerProduct" bottom: "x" top: "y" param { lr_mult: 1 decay_mult: 2 } param { lr_mult: 3 decay_mult: 0 } inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }`,
    );
    expect(
      net.params.map(({ layer, position, shape, lrMult, decayMult, filler }) => [
        layer,
        position,
        shape,
        lrMult,
        decayMult,
        filler?.type,
      ]),
    ).toEqual([
      ["y", 0, [3, 5], 1, 2, "xavier"],
      ["y", 1, [3], 3, 0, undefined],
    ]);
    expect(net.layers[1].params.map(({ index }) => index)).toEqual([0, 1]);
  });

  it("are shared by name, permissively where asked", () => {
    const net = lowerText(
      `${input("x", 3, 3)}${ip("a", "x", 'param { name: "w" lr_mult: 2 }')}${ip("b", "x", 'param { name: "w" }')}${input("v", 2, 9)}
layer { name: "s" type: "Scale" bottom: "v" top: "s" param { name: "w" share_mode: PERMISSIVE } }`,
    );
    expect(net.params).toHaveLength(1);
    const seen = { index: 0, lrMult: 2, decayMult: 1 };
    expect(net.layers.flatMap(({ params }) => params)).toEqual([
      { ...seen, shape: [3, 3] },
      { ...seen, shape: [3, 3] },
      { ...seen, shape: [9] },
    ]);
  });

  it("with lr_mult 0 have no gradient, unless force_backward", () => {
    const text = `${input("x", 2, 3)}${ip("a", "x", "param { lr_mult: 0 }")}${ip("b", "a", "loss_weight: 1")}`;
    expect(lowerText(text).wanted).toEqual({ params: [1], inputs: [] });
    expect(lowerText(`force_backward: true\n${text}`).wanted).toEqual({ params: [0, 1], inputs: ["x"] });
  });
});

describe("randomness", () => {
  const drop = (name: string, bottom: string): string =>
    `layer { name: "${name}" type: "Dropout" bottom: "${bottom}" top: "${name}" }\n`;

  it("differs from layer to layer and from step to step, and not from run to run", () => {
    const net = lowerText(`${input("x", 4, 50)}${drop("a", "x")}${drop("b", "x")}`);
    expect(net.random).toBe(true);
    const ones = new Map([["x", new Float64Array(200).fill(1)]]);
    const run = (step: number) => {
      const result = evaluate(net, { inputs: ones, params: new Map(), step });
      return ["a", "b"].map((blob) => [...result.value(net.blobs.get(blob)!.last)]);
    };
    const [first, second] = [run(0), run(1)];
    expect(new Set(first[0])).toEqual(new Set([0, 2]));
    expect(first[0]).not.toEqual(first[1]);
    expect(first[0]).not.toEqual(second[0]);
    expect(run(0)).toEqual(first);
  });

  it("is not there in TEST", () => {
    const net = lowerText(`${input("x", 4, 50)}${drop("a", "x")}`, { phase: "TEST" });
    expect(net.random).toBe(false);
    expect(reachable(net, "a").some((node) => node.op === "input" && node.name === STEP)).toBe(false);
  });
});

describe("who takes part in backward", () => {
  const layer = (name: string, bottoms: string[], tops: string[], more: object = {}) => ({
    name,
    bottoms,
    tops,
    lossWeights: [],
    defaultLossWeight: 0,
    unnamedTops: 0,
    propagateDown: [],
    learns: [],
    forces: () => true,
    ...more,
  });
  const learns = { learns: [true, true] };
  const isLoss = { defaultLossWeight: 1 };
  const needs = (...layers: ReturnType<typeof layer>[]) =>
    Object.fromEntries(decideBackward(layers, false).map(({ name, logged }) => [name, logged]));

  it("what has something to learn below it and a loss above", () => {
    expect(
      needs(
        layer("data", [], ["x", "label"]),
        layer("conv", ["x"], ["c"], learns),
        layer("relu", ["c"], ["c"]),
        layer("side", ["c"], ["side"], learns),
        layer("ip", ["c"], ["ip"], learns),
        layer("accuracy", ["ip", "label"], ["accuracy"]),
        layer("loss", ["ip", "label"], ["loss"], isLoss),
      ),
    ).toEqual({
      data: false,
      label_data_1_split: false,
      conv: true,
      relu: true,
      c_relu_0_split: true,
      side: false,
      ip: true,
      ip_ip_0_split: true,
      accuracy: false,
      loss: true,
    });
  });

  it("nothing below a loss whose only reader passes nothing down, as in Caffe", () => {
    expect(
      needs(
        layer("data", [], ["x", "label"]),
        layer("ip", ["x"], ["ip"], learns),
        layer("loss", ["ip", "label"], ["loss"], isLoss),
        layer("silence", ["loss"], []),
      ),
    ).toEqual({ data: false, ip: false, loss: false, silence: false });
  });

  it("a split takes a written loss weight over", () => {
    const decisions = decideBackward(
      [
        layer("data", [], ["x"]),
        layer("ip", ["x"], ["ip"], { ...learns, lossWeights: [0.5] }),
        layer("red", ["ip"], ["r"]),
      ],
      false,
    );
    expect(decisions.map(({ name, logged }) => [name, logged])).toEqual([
      ["data", false],
      ["ip", true],
      ["ip_ip_0_split", true],
      ["red", false],
    ]);
  });

  it("propagate_down: false stops the gradient, and force_backward does not mind it", () => {
    const text = `${input("x", 2, 3)}${ip("a", "x")}${ip("b", "a", "propagate_down: false loss_weight: 1")}`;
    const given = (net: LoweredNet) => ({
      inputs: new Map([["x", new Float64Array(6).fill(1)]]),
      params: new Map(
        net.params.map(({ shape }, index) => [index, new Float64Array(shape[0] * shape[1]).fill(0.5)]),
      ),
    });
    const stopped = lowerText(text);
    const result = evaluate(stopped, given(stopped));
    expect(stopped.layers.map(({ needsBackward }) => needsBackward)).toEqual([false, false, true]);
    expect(result.gradient(0)).toBeUndefined();
    expect(result.gradient(1)).toBeDefined();
    const forced = lowerText(`force_backward: true\n${text}`);
    expect(evaluate(forced, given(forced)).gradient(0)).toBeDefined();
  });

  it("propagate_down: true asks for the gradient of data", () => {
    const text = `${input("x", 2, 3)}${ip("a", "x", "propagate_down: true loss_weight: 1")}`;
    expect(lowerText(text).wanted.inputs).toEqual(["x"]);
  });
});

describe("losses", () => {
  it("have weight 1 by default, and a name even without a top", () => {
    const net = lowerText(
      `${input("x", 2, 3)}${input("label", 2)}${ip("y", "x")}layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" }`,
    );
    expect(net.losses.map(({ blob, weight }) => [blob, weight])).toEqual([["(automatic)", 1]]);
    expect(net.outputs).toEqual([]);
  });

  it("ask for labels to be checked, once for each blob and range", () => {
    const net = lowerText(
      `${input("x", 2, 3)}${input("label", 2)}layer { name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "label" top: "l" loss_param { ignore_label: 255 } }
layer { name: "acc" type: "Accuracy" bottom: "x" bottom: "label" top: "a" accuracy_param { ignore_label: 255 } }`,
    );
    expect(
      net.checks.map(({ node, min, max, except, message }) => [
        node === net.blobs.get("label")!.first,
        min,
        max,
        except,
        message,
      ]),
    ).toEqual([
      [true, 0, 2, 255, `layer "loss" (SoftmaxWithLoss): labels must be from 0 to 2, for 3 classes`],
    ]);
  });
});

describe("statistics", () => {
  it("of BatchNorm change in TRAIN only", () => {
    const text = `${input("x", 2, 3, 4)}layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" }`;
    expect(lowerText(text).updates.map(({ param }) => param)).toEqual([0, 1, 2]);
    expect(lowerText(text, { phase: "TEST" }).updates).toEqual([]);
    expect(lowerText(text).wanted.params).toEqual([]);
    expect(lowerText(text).params.map(({ kind, lrMult }) => [kind, lrMult])).toEqual(
      [0, 1, 2].map(() => ["state", 0]),
    );
  });

  it("that two layers share go on from each other", () => {
    const shared = [0, 1, 2].map((i) => `param { name: "bn${i}" lr_mult: 0 }`).join(" ");
    const net = lowerText(
      `${input("x", 2, 3)}layer { name: "a" type: "BatchNorm" bottom: "x" top: "a" ${shared} }\nlayer { name: "b" type: "BatchNorm" bottom: "x" top: "b" ${shared} }`,
    );
    const result = evaluate(net, {
      inputs: new Map([["x", Float64Array.of(1, 2, 3, 3, 4, 5)]]),
      params: new Map([0, 1, 2].map((index) => [index, new Float64Array(index === 2 ? 1 : 3)])),
    });
    expect(result.value(net.updates[2].node)[0]).toBeCloseTo(1.999, 12);
  });
});

describe("data layers", () => {
  const DATA = `layer { name: "d" type: "Data" top: "data" top: "label" transform_param { scale: 0.5 crop_size: 28 mean_value: 3 } data_param { source: "db" batch_size: 64 backend: LMDB } }
layer { name: "h" type: "HDF5Data" top: "a" top: "b" hdf5_data_param { source: "list" batch_size: 3 shuffle: true } }
layer { name: "u" type: "DummyData" top: "u" top: "v" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "uniform" } data_filler { value: 5 } } }`;

  it("say where their values come from", () => {
    const specs = feedsOf(parseNet(DATA), "TRAIN").map(({ layer, spec: { span: _, ...spec } }) => [
      layer.name,
      spec,
    ]);
    expect(specs).toMatchObject([
      [
        "d",
        {
          kind: "records",
          source: "db",
          backend: "LMDB",
          batchSize: 64,
          tops: 2,
          transform: { scale: 0.5, cropSize: 28, meanValues: [3] },
        },
      ],
      ["h", { kind: "hdf5", source: "list", batchSize: 3, shuffle: true, tops: ["a", "b"] }],
      [
        "u",
        {
          kind: "filler",
          tops: [
            { shape: [2, 3], filler: { type: "uniform" } },
            { shape: [2, 3], filler: { value: 5 } },
          ],
        },
      ],
    ]);
  });

  it("make inputs of the shapes that their sources have", () => {
    const shapes = new Map([
      ["d", [[64, 1, 28, 28], [64]]],
      ["h", [[3, 2], [3]]],
    ]);
    const net = lowerText(DATA, { shapesOf: ({ name }) => shapes.get(name) });
    expect([...net.inputs]).toEqual([
      ["data", [64, 1, 28, 28]],
      ["label", [64]],
      ["a", [3, 2]],
      ["b", [3]],
      ["u", [2, 3]],
      ["v", [2, 3]],
    ]);
    expect(net.feeds).toHaveLength(3);
  });
});

describe("layers that users add", () => {
  it("are one record", () => {
    const cube = elementwise({
      type: "Cube",
      summary: "x³",
      equation: "y = x³",
      apply: (x) => mul(mul(x, x), x),
    });
    const plus = defineLayer({
      type: "PlusParam",
      parameter: "power_param",
      summary: "Adds a learned scalar and shift.",
      bottoms: { exact: 1 },
      tops: { exact: 1 },
      lower: ({ builder, bottoms: [x], parameter, param }) => [
        builder.map(add(add(arg(0), arg(1)), constant(parameter.shift)), [x, param(0, [])], x.shape),
      ],
    });
    const net = lowerText(
      `force_backward: true\n${input("x", 2)}layer { name: "c" type: "Cube" bottom: "x" top: "c" }\nlayer { name: "p" type: "PlusParam" bottom: "c" top: "y" power_param { shift: 10 } }`,
      { types: [cube, plus] },
    );
    const result = evaluate(net, {
      inputs: new Map([["x", [2, 3]]]),
      params: new Map([[0, [0.5]]]),
      seeds: new Map([["y", [1, 1]]]),
    });
    expect([...result.value(net.blobs.get("y")!.last)]).toEqual([18.5, 37.5]);
    expect([...result.diff("x")!]).toEqual([12, 27]);
    expect([...result.gradient(0)!]).toEqual([2]);
  });
});

describe("operations", () => {
  it("of a layer are counted from its graph", () => {
    const net = lowerText(
      `${input("x", 2, 4, 6, 6)}layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 8 kernel_size: 3 group: 2 bias_term: false } }\n${ip("i", "c")}`,
    );
    expect(net.layers.map(({ flops }) => flops)).toEqual([
      0,
      2 * (2 * 8 * 4 * 4) * (2 * 9),
      2 * 2 * 3 * (8 * 4 * 4),
    ]);
  });
});

describe("pooling windows behind the input", () => {
  it("hold what Caffe starts from", () => {
    const net = lowerText(
      `${input("x", 1, 1, 5, 1)}layer { name: "p" type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { kernel_h: 1 kernel_w: 1 stride_h: 3 stride_w: 1 } }`,
    );
    const result = evaluate(net, { inputs: new Map([["x", [1, 2, 3, 4, 5]]]), params: new Map() });
    expect([...result.value(net.blobs.get("y")!.last)]).toEqual([1, 4, -3.4028234663852886e38]);
    expect([...result.value(net.blobs.get("mask")!.last)]).toEqual([0, 3, -1]);
  });
});

describe("windows larger than the input", () => {
  it("cost no more than the input", () => {
    const net = lowerText(
      `${input("x", 1, 3, 5, 5)}layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { pool: AVE kernel_size: 4000000000 stride: 4000000000 } }
layer { name: "n" type: "LRN" bottom: "x" top: "n" lrn_param { local_size: 4000000001 } }`,
    );
    const result = evaluate(net, {
      inputs: new Map([["x", new Float64Array(75).fill(2)]]),
      params: new Map(),
    });
    expect([...result.value(net.blobs.get("p")!.last)]).toEqual([2, 2, 2]);
    expect(result.value(net.blobs.get("n")!.last)[0]).toBeCloseTo(2, 6);
    expect(Math.max(...net.layers.map(({ flops }) => flops))).toBeLessThan(2000);
  });
});
