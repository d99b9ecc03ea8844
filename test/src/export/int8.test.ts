import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ModelProto } from "../../../proto/generated/onnx.js";
import { decodeMessage } from "../../../proto/index.js";
import { type ExportOptions, makeOnnx } from "../../../src/export-onnx.js";
import { compile, exportOnnx, type Int8Progress, parseNet, writeOnnx } from "../../../src/index.js";
import { verifyOnnx } from "../../../src/verify-onnx.js";
import { hasOnnxRuntime } from "../../support/onnx.js";

const folder = mkdtempSync(join(tmpdir(), "cortado-int8-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const drawn = 'weight_filler { type: "gaussian" std: 0.2 } bias_filler { type: "gaussian" std: 0.1 }';
const input = (...dims: number[]): string =>
  `layer { name: "data" type: "Input" top: "data" input_param { shape { ${dims.map((dim) => `dim: ${dim}`).join(" ")} } } }`;
const noise = (
  top: string,
  ...dims: number[]
): string => `layer { name: "noise ${top}" type: "DummyData" top: "${top}"
  dummy_data_param { shape { ${dims.map((dim) => `dim: ${dim}`).join(" ")} } data_filler { type: "gaussian" } } }`;
const conv = (name: string, bottom: string, more = "kernel_size: 3 pad: 1", outputs = 8): string =>
  `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}"
    convolution_param { num_output: ${outputs} ${more} ${drawn} } }`;
const relu = (blob: string): string =>
  `layer { name: "${blob}/relu" type: "ReLU" bottom: "${blob}" top: "${blob}" }`;
const pool = (name: string, bottom: string, more: string): string =>
  `layer { name: "${name}" type: "Pooling" bottom: "${bottom}" top: "${name}" pooling_param { ${more} } }`;
const ip = (name: string, bottom: string, outputs = 5): string =>
  `layer { name: "${name}" type: "InnerProduct" bottom: "${bottom}" top: "${name}" inner_product_param { num_output: ${outputs} ${drawn} } }`;
const norm = (name: string, blob: string): string => `
  layer { name: "${name}/bn" type: "BatchNorm" bottom: "${blob}" top: "${blob}" batch_norm_param { use_global_stats: true eps: 1 } }
  layer { name: "${name}/scale" type: "Scale" bottom: "${blob}" top: "${blob}" scale_param { bias_term: true
    filler { type: "uniform" min: 0.5 max: 2 } bias_filler { type: "gaussian" } } }`;

/** What goes round in nets of today: branches, sums, concatenations, normalised convolutions. */
const BLOCKS = [
  input(2, 3, 12, 12),
  conv("stem", "data"),
  norm("stem", "stem"),
  relu("stem"),
  pool("pool", "stem", "kernel_size: 2 stride: 2"),
  conv("a", "pool"),
  relu("a"),
  conv("b", "a"),
  `layer { name: "sum" type: "Eltwise" bottom: "pool" bottom: "b" top: "sum" }`,
  relu("sum"),
  conv("left", "sum", "kernel_size: 1"),
  relu("left"),
  conv("right", "sum", "kernel_size: 3 pad: 1 group: 4"),
  `layer { name: "both" type: "Concat" bottom: "left" bottom: "right" top: "both" }`,
  pool("again", "both", "kernel_size: 3 stride: 1 pad: 1"),
  conv("last", "again", "kernel_size: 1 bias_term: false"),
  pool("mean", "last", "pool: AVE global_pooling: true"),
  ip("scores", "mean"),
  `layer { name: "prob" type: "Softmax" bottom: "scores" top: "prob" }`,
].join("\n");

const SEQUENCE = `
  layer { name: "in" type: "Input" top: "x" top: "cont" input_param { shape { dim: 3 dim: 2 dim: 6 } shape { dim: 3 dim: 2 } } }
  layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
    recurrent_param { num_output: 4 ${drawn} } }
  layer { name: "out" type: "InnerProduct" bottom: "h" top: "out" inner_product_param { num_output: 3 axis: 2 ${drawn} } }`;

const OTHERS = `${input(2, 4, 9, 9)}
  ${conv("odd", "data", "kernel_h: 3 kernel_w: 2 stride: 2 dilation: 1", 6)}
  layer { name: "prelu" type: "PReLU" bottom: "odd" top: "odd" }
  layer { name: "up" type: "Deconvolution" bottom: "odd" top: "up" convolution_param { num_output: 4 kernel_size: 2 stride: 2 ${drawn} } }
  ${conv("sig", "up", "kernel_size: 1", 1)}
  layer { name: "sigmoid" type: "Sigmoid" bottom: "sig" top: "sig" }
  layer { name: "turned" type: "InnerProduct" bottom: "sig" top: "turned" inner_product_param { num_output: 7 transpose: true ${drawn} } }`;

const CASES: Readonly<Record<string, readonly [net: string, data: string, options?: ExportOptions]>> = {
  blocks: [BLOCKS, noise("data", 4, 3, 12, 12)],
  "blocks, for any batch": [BLOCKS, noise("data", 4, 3, 12, 12), { dynamicBatch: true, batch: 3 }],
  "blocks, with blobs between": [BLOCKS, noise("data", 4, 3, 12, 12), { keep: ["a", "sum"], opset: 21 }],
  "an LSTM": [SEQUENCE, noise("x", 3, 2, 6) + noise("cont", 3, 2)],
  "other layers between": [OTHERS, noise("data", 5, 4, 9, 9)],
};

const opsIn = (bytes: Uint8Array): readonly string[] =>
  (decodeMessage("ModelProto", bytes) as ModelProto).graph?.node.map(({ op_type }) => op_type) ?? [];

describe.skipIf(!hasOnnxRuntime())("files of 8 bits, by onnxruntime", () => {
  it.each(Object.entries(CASES))(
    "compute what Cortado computes of the same graph: %s",
    async (name, [net, data, given]) => {
      const out = join(folder, `${name}.onnx`);
      const options: ExportOptions = { ...given, int8: { calibrate: data, images: 40, tolerance: 1 } };
      const report = await writeOnnx(out, net, options);
      const { blobs, outputs } = await verifyOnnx(report, parseNet(net), options, {
        cwd: folder,
        env: process.env,
      });
      expect(report.int8!.layers.every(({ int8, relative }) => int8 && relative > 0)).toBe(true);
      for (const { relative } of blobs) expect(relative).toBeLessThan(1e-4);
      for (const { relative } of outputs) expect(relative).toBeLessThan(1e-2);
      console.log(
        `${name}: ${outputs.map(({ relative }) => relative)}; loses ${report.int8!.outputs.map(({ relative }) => relative)}`,
      );
      for (const { relative } of report.int8!.outputs) expect(relative).toBeLessThan(0.1);
    },
  );
});

describe("a file of 8 bits", () => {
  const data = noise("data", 4, 3, 12, 12);

  it("has every product between whole numbers, and is a quarter as large", async () => {
    const wide = BLOCKS.replaceAll("num_output: 8", "num_output: 64");
    const { bytes, int8 } = await makeOnnx(wide, { int8: { calibrate: data, images: 8, tolerance: 1 } });
    expect(int8!.layers.map(({ name }) => name)).toEqual([
      "stem",
      "a",
      "b",
      "left",
      "right",
      "last",
      "scores",
    ]);
    expect(bytes.length).toBeLessThan(0.35 * (await exportOnnx(wide, { fold: true })).length);
    const { graph } = decodeMessage("ModelProto", bytes) as ModelProto;
    const made = new Map(graph!.node.flatMap((node) => node.output.map((value) => [value, node.op_type])));
    for (const { op_type, input: read } of graph!.node)
      if (op_type === "Conv" || op_type === "Gemm")
        expect(read.map((value) => made.get(value))).toEqual(read.map(() => "DequantizeLinear"));
  });

  it("has a scale for each output of weights, along their axis", async () => {
    // onnxruntime does not look at the axis where it joins the operators.
    const { bytes } = await makeOnnx(OTHERS, {
      int8: { calibrate: noise("data", 5, 4, 9, 9), images: 4, tolerance: 1 },
    });
    const { graph } = decodeMessage("ModelProto", bytes) as ModelProto;
    const dims = new Map(graph!.initializer.map((tensor) => [tensor.name, tensor.dims.map(Number)]));
    const scaled = graph!.node.flatMap(({ op_type, input: [value, scale], attribute }) => {
      const axis = attribute.find(({ name }) => name === "axis");
      if (op_type !== "DequantizeLinear" || !axis) return [];
      return [[Number(axis.i), dims.get(value)![Number(axis.i)], dims.get(scale)]];
    });
    expect(scaled).toEqual([
      ...[
        [0, 6, [6]],
        [0, 6, [6]],
      ],
      ...[
        [0, 1, [1]],
        [0, 1, [1]],
      ],
      ...[
        [1, 7, [7]],
        [0, 7, [7]],
      ],
    ]);
  });

  it("rounds what convolutions make, and no output", async () => {
    const net = [
      input(2, 3, 12, 12),
      conv("a", "data"),
      relu("a"),
      conv("b", "a"),
      pool("top", "b", "kernel_size: 2 stride: 2"),
    ].join("\n");
    /** The operator that makes a value, and those that make what it reads first. */
    const makersOf = async (value: string, keep: readonly string[]): Promise<readonly string[]> => {
      const { bytes } = await makeOnnx(net, { keep, int8: { calibrate: data, images: 4, tolerance: 1 } });
      const { graph } = decodeMessage("ModelProto", bytes) as ModelProto;
      const makers: string[] = [];
      const add = (name: string): void => {
        const node = graph!.node.find(({ output }) => output.includes(name));
        if (!node) return;
        makers.push(node.op_type);
        add(node.input[0]);
      };
      add(value);
      return makers;
    };
    const between = ["DequantizeLinear", "QuantizeLinear"];
    const first = ["Conv", ...between];
    expect(await makersOf("top", [])).toEqual([
      ...["MaxPool", ...between, "Conv"],
      ...[...between, "Relu", ...first],
    ]);
    expect(await makersOf("a", ["a"])).toEqual(["Relu", ...first]);
    expect(await makersOf("b", ["b"])).toEqual(["Conv", ...between, "Relu", ...first]);
  });

  it("leaves layers in float that lose more than is allowed", async () => {
    const all = await makeOnnx(BLOCKS, { int8: { calibrate: data, images: 16, tolerance: 1 } });
    const losses = all.int8!.layers.map(({ relative }) => relative).sort((a, b) => a - b);
    const tolerance = (losses[2] + losses[3]) / 2;
    const some = await makeOnnx(BLOCKS, { int8: { calibrate: data, images: 16, tolerance } });
    expect(some.int8!.layers.map(({ relative, int8 }) => int8 === relative <= tolerance)).not.toContain(
      false,
    );
    expect(some.int8!.layers.filter(({ int8 }) => int8)).toHaveLength(3);
    const count = (bytes: Uint8Array): number =>
      opsIn(bytes).filter((op) => op === "DequantizeLinear").length;
    expect(count(some.bytes)).toBeLessThan(count(all.bytes));
    expect(some.int8!.outputs[0].relative).toBeLessThan(all.int8!.outputs[0].relative);
  });
});

describe("int8", () => {
  const data = noise("data", 4, 3, 12, 12);

  it("is of a net that is compiled, too, and says how far it is", async () => {
    const net = await compile(BLOCKS);
    const told: Int8Progress[] = [];
    try {
      const own = await makeOnnx(net, {
        int8: { calibrate: data, images: 16, progress: (state) => void told.push(state) },
      });
      const same = await makeOnnx(BLOCKS, { int8: { calibrate: data, images: 16 } });
      expect(Buffer.from(own.bytes).equals(same.bytes)).toBe(true);
      expect(new Set(told.map(({ doing }) => doing))).toEqual(
        new Set(["measuring ranges", "measuring layers", "comparing outputs"]),
      );
      await expect(makeOnnx(net, { int8: true })).rejects.toThrow(
        "int8 of a net that is compiled needs data of its own",
      );
    } finally {
      await net.close();
    }
  });

  it("counts what is right by the data's labels, and says means of single numbers", async () => {
    const labelled = `${data} ${noise("label", 4)}`.replace(
      /(noise label"[\s\S]*?)type: "gaussian"/,
      '$1type: "constant" value: 3',
    );
    const { int8 } = await makeOnnx(BLOCKS, {
      keep: ["sum", "scores"],
      int8: { calibrate: labelled, images: 32 },
    });
    const [{ top1 }, ...others] = int8!.outputs;
    expect(others.map((one) => [one.name, one.top1])).toEqual([
      ["sum", undefined],
      ["scores", undefined],
    ]);
    expect(top1).toHaveLength(2);
    for (const percent of top1!) expect(percent % (100 / 32)).toBe(0);
    const trained = `${BLOCKS.replace(input(2, 3, 12, 12), labelled)}
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss" }`;
    const own = await makeOnnx(trained.replace(/layer \{ name: "prob"[^\n]*\n/, ""), {
      int8: { images: 32 },
    });
    const [{ name, means }] = own.int8!.outputs;
    expect(name).toBe("loss");
    expect(Math.abs(means![0] / means![1] - 1)).toBeLessThan(0.1);
  });

  const REFUSED: readonly (readonly [why: string, net: string, options: ExportOptions, message: string])[] = [
    ["no data", BLOCKS, { int8: true }, "there is no data layer that gives any"],
    [
      "other blobs",
      BLOCKS,
      { int8: { calibrate: noise("image", 4, 3, 12, 12) } },
      'the data for int8 has no blob "data"',
    ],
    [
      "other shapes",
      BLOCKS,
      { int8: { calibrate: noise("data", 4, 3, 8, 8) } },
      'rows of 3×8×8 in blob "data", and the net takes 3×12×12',
    ],
    [
      "other numbers of rows",
      BLOCKS,
      { int8: { calibrate: data + noise("label", 3) } },
      'has 4 rows in blob "data", and 3 in "label"',
    ],
    [
      "no product",
      `${input(2, 3)} layer { name: "r" type: "ReLU" bottom: "data" top: "y" }`,
      { int8: { calibrate: noise("data", 2, 3) } },
      "no convolution and no InnerProduct",
    ],
    [
      "nothing may be lost",
      BLOCKS,
      { int8: { calibrate: data, tolerance: 0, images: 4 } },
      "every layer moves the outputs by more than 0",
    ],
    [
      "not finite",
      `${input(2, 3)} layer { name: "log" type: "Log" bottom: "data" top: "y" } ${ip("ip", "y")}`,
      { int8: { calibrate: noise("data", 2, 3) } },
      'layer "log" (Log) has values that are NaN or infinite',
    ],
    ["float16", BLOCKS, { int8: { calibrate: data }, float16: true }, "two forms of weights"],
    ["backward", BLOCKS, { int8: { calibrate: data }, backward: true }, "backward asks for more"],
    [
      "a setting that is none",
      BLOCKS,
      { int8: { percentile: 101 } },
      "option int8.percentile is 101; it must be a number from 50 to 100",
    ],
    ["an option that is none", BLOCKS, { int8: { image: 3 } as never }, 'int8 has no option "image"'],
  ];
  it.each(REFUSED)("is refused, and nothing written: %s", async (why, net, options, message) => {
    const own = mkdtempSync(join(folder, "own-"));
    await expect(writeOnnx(join(own, "net.onnx"), net, options), why).rejects.toThrow(message);
    expect(readdirSync(own)).toEqual([]);
  });
});
