import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { halfFloats } from "../../../src/export/half-floats.js";
import { makeOnnx } from "../../../src/export-onnx.js";
import {
  collectWeights,
  compile,
  exportOnnx,
  parseNet,
  writeOnnx,
  writeWeights,
} from "../../../src/index.js";
import { verifyOnnx } from "../../../src/verify-onnx.js";
import { relativeError } from "../../support/case.js";
import { hasOnnxRuntime, runOnnx } from "../../support/onnx.js";

const drawn = 'weight_filler { type: "xavier" }';
const LENET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param { num_output: 20 kernel_size: 5 ${drawn} } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool1" top: "ip1" inner_product_param { num_output: 200 ${drawn} } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" inner_product_param { num_output: 10 ${drawn} } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }`;
const SHAPE = [1, 1, 28, 28];
const folder = mkdtempSync(join(tmpdir(), "cortado-onnx-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const data = Float32Array.from({ length: 784 }, (_, i) => Math.sin(i));
const inputs = { data: { shape: SHAPE, data } };

async function expected(): Promise<Float32Array> {
  const net = await compile(LENET, { target: "ts" });
  const { prob } = await net.forward({ data });
  await net.close();
  return prob;
}

/** What the bits of a number of 16 bits mean. */
function valueOfHalf(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

describe("numbers of 16 bits", () => {
  it("are the nearest, of all that there are", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = valueOfHalf(bits);
      if (!Number.isNaN(value)) expect(halfFloats(Float32Array.of(value))[0]).toBe(bits);
    }
  });
  it("are the nearest of numbers between", () => {
    fc.assert(
      fc.property(fc.float({ min: -70000, max: 70000, noNaN: true }), (value) => {
        const made = valueOfHalf(halfFloats(Float32Array.of(value))[0]);
        const step = Math.max(2 ** -24, 2 ** (Math.floor(Math.log2(Math.abs(value) || 1e-30)) - 10));
        if (Math.abs(value) >= 65520) expect(Math.abs(made)).toBe(Number.POSITIVE_INFINITY);
        else expect(Math.abs(made - value)).toBeLessThanOrEqual(step / 2);
      }),
      { numRuns: 2000 },
    );
  });
  it("round to even between two", () => {
    expect([...halfFloats(Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25))]).toEqual([
      0x3c00, 0x3c02, 0, 2,
    ]);
    expect(halfFloats(Float32Array.of(Number.NaN))[0]).toBe(0x7e00);
  });
});

describe.skipIf(!hasOnnxRuntime())("files that onnxruntime reads", () => {
  it("with weights of 16 bits", async () => {
    const bytes = await exportOnnx(LENET, { float16: true });
    expect(bytes.length).toBeLessThan(0.55 * (await exportOnnx(LENET)).length);
    const { error, outputs } = runOnnx([{ name: "half", bytes, inputs }]).get("half")!;
    expect(error).toBeUndefined();
    const error16 = relativeError(outputs.get("prob")!.data, await expected());
    expect(error16).toBeLessThan(2e-3);
    expect(error16).toBeGreaterThan(1e-7);
  });

  it("with constants in a file beside", async () => {
    const out = join(folder, "net.onnx");
    const report = await writeOnnx(out, LENET, { externalData: true });
    expect(report).toMatchObject({ out, beside: "net.onnx.data", bytes: statSync(out).size });
    expect(statSync(out).size).toBeLessThan(10_000);
    expect(statSync(`${out}.data`).size).toBeGreaterThan(2_000_000);
    const { error, outputs } = runOnnx([{ name: "beside", bytes: out, inputs }]).get("beside")!;
    expect(error).toBeUndefined();
    expect(relativeError(outputs.get("prob")!.data, await expected())).toBeLessThan(1e-6);
  });
});

describe.skipIf(!hasOnnxRuntime())("verifyOnnx", () => {
  it("knows what a net carries from one pass to the next: an LSTM its state", async () => {
    const text = `layer { name: "in" type: "Input" top: "x" top: "cont"
        input_param { shape { dim: 3 dim: 2 dim: 6 } shape { dim: 3 dim: 2 } } }
      layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h" recurrent_param { num_output: 4 ${drawn} } }`;
    const weights = join(folder, "lstm.caffemodel");
    const net = await compile(text, { target: "ts" });
    await writeWeights(weights, await collectWeights(net));
    await net.close();
    const report = await writeOnnx(join(folder, "lstm.onnx"), text, { weights });
    const { greatest } = await verifyOnnx(
      report,
      parseNet(text),
      { weights },
      { cwd: folder, env: process.env },
    );
    expect(greatest).toBeLessThan(1e-6);
  });
});

describe("the inputs of a file", () => {
  const NET = `layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "b" top: "ip" inner_product_param { num_output: 3 } }
    layer { name: "sum" type: "Eltwise" bottom: "ip" bottom: "a" top: "sum" }`;
  const TRAIN = `${NET} layer { name: "loss" type: "EuclideanLoss" bottom: "sum" bottom: "a" top: "loss" }`;
  const names = async (net: string, options: Parameters<typeof makeOnnx>[1]) => {
    const { inputs, outputs } = await makeOnnx(net, options);
    return [inputs, outputs].map((blobs) => blobs.map(({ name }) => name));
  };

  it("stand in the net's order", async () => {
    expect(await names(NET, {})).toEqual([["a", "b"], ["sum"]]);
  });
  it("have the batch that is asked for", async () => {
    const { inputs, outputs } = await makeOnnx(NET, { batch: 7 });
    expect([...inputs, ...outputs].map(({ shape }) => shape)).toEqual([
      [7, 3],
      [7, 3],
      [7, 3],
    ]);
  });
  it("are followed by diffs", async () => {
    expect(await names(NET, { backward: true, forceBackward: true })).toEqual([
      ["a", "b", "diff:sum"],
      ["sum", "diff:a", "diff:b", "diff:ip/0", "diff:ip/1"],
    ]);
  });
  it("of a step are also the rate, parameters and what the solver keeps", async () => {
    const solver = 'base_lr: 0.1 lr_policy: "fixed" momentum: 0.9';
    expect(await names(TRAIN, { train: true, solver })).toEqual([
      ["a", "b", "rate", "ip/0", "ip/1", "history0:ip/0", "history0:ip/1"],
      ["loss", "next:ip/0", "next:history0:ip/0", "next:ip/1", "next:history0:ip/1"],
    ]);
  });
  it.each([
    ["train", "the net has no loss that could be trained", { train: true }],
    ["solver", "a solver is of no use without its step", { solver: "base_lr: 1" }],
    ["backward", 'backward names "nope", a blob that the net does not have', { backward: ["nope"] }],
    ["opset", "option opset", { opset: 99 }],
    [
      "a step of several batches",
      "iter_size",
      { train: true, solver: 'lr_policy: "fixed" base_lr: 1 iter_size: 2' },
    ],
  ])("are refused: %s", async (what, message, options) => {
    const net = what.startsWith("a step") ? TRAIN : NET;
    await expect(makeOnnx(net, options)).rejects.toThrow(message);
  });
});

describe("writeOnnx", () => {
  it("writes the bytes of exportOnnx, and nothing else", async () => {
    const own = mkdtempSync(join(folder, "own-"));
    await writeOnnx(join(own, "net.onnx"), LENET);
    expect(readdirSync(own)).toEqual(["net.onnx"]);
    expect(readFileSync(join(own, "net.onnx")).equals(await exportOnnx(LENET))).toBe(true);
  });
  it("writes nothing where the net cannot be a file", async () => {
    const own = mkdtempSync(join(folder, "own-"));
    const net = `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
      layer { name: "drop" type: "Dropout" bottom: "x" top: "y" }`;
    await expect(writeOnnx(join(own, "net.onnx"), net, { phase: "TRAIN" })).rejects.toThrow(
      'layer "drop" (Dropout) cannot be exported: it draws random numbers',
    );
    expect(readdirSync(own)).toEqual([]);
  });
  it("names the file that it could not write", async () => {
    await expect(writeOnnx(join(folder, "no/such/net.onnx"), LENET)).rejects.toThrow(
      /cannot write ".*no\/such\/net.onnx"/,
    );
  });
});
