/** Files of 8 bits: LeNet, trained on MNIST itself, and a net as large as CaffeNet, run by onnxruntime. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { makeOnnx } from "../../src/export-onnx.js";
import { writeRandomParameters } from "../../src/gradcheck/random-parameters.js";
import { compile, createSolver } from "../../src/index.js";
import { relativeError } from "../support/case.js";
import { hasOnnxRuntime, type OnnxResult, runOnnx } from "../support/onnx.js";
import { hasMnist, hasOracle, mnistPath, mnistRoot, oraclePath } from "../support/oracle.js";

const EXAMPLE = fileURLToPath(new URL("../../examples/lenet", import.meta.url));
const exampleFile = (name: string): string => readFileSync(join(EXAMPLE, name), "utf8");
const TRAIN = exampleFile("mnist_train_test.prototxt");
const SOLVER =
  'net: "lenet" base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed" max_iter: 300 random_seed: 3';
const STEPS = 300;
const IMAGES = 10_000;
/** Points of a hundred. */
const MOST_LOST = 0.2;

const rows = (shape: readonly number[], values: ArrayLike<number>) => ({
  shape,
  data: Float32Array.from(values),
});

/** How many in a hundred of MNIST's test images a file's probabilities put first right. */
function percentRight({ error, outputs }: OnnxResult, labels: Uint8Array): number {
  expect(error).toBeUndefined();
  const prob = outputs.get("prob")!.data;
  const right = labels.filter((label, i) => {
    const own = prob.subarray(10 * i, 10 * i + 10);
    return own.indexOf(Math.max(...own)) === label;
  });
  return (100 * right.length) / labels.length;
}

describe.skipIf(!hasOnnxRuntime() || !hasMnist())("LeNet in 8 bits", () => {
  it(`is right as often as in float, to within ${MOST_LOST} points`, async () => {
    const solver = await createSolver(SOLVER, { nets: { lenet: TRAIN }, root: mnistRoot, target: "wasm" });
    await solver.step(STEPS);
    const deploy = await compile(exampleFile("deploy.prototxt"), {
      shapes: { data: [100, 1, 28, 28] },
      target: "wasm",
    });
    for (const [layer, params] of Object.entries(solver.net.params))
      for (const [i, param] of params.entries()) await deploy.params[layer][i].write(await param.read());
    await solver.close();
    const calibrate = TRAIN.replace(/source: "/g, `source: "${mnistRoot}/`);
    const float = await makeOnnx(deploy);
    const small = await makeOnnx(deploy, { int8: { calibrate, images: 500 } });
    await deploy.close();
    const pixels = gunzipSync(readFileSync(mnistPath("t10k-images-idx3-ubyte.gz"))).subarray(16);
    const labels = gunzipSync(readFileSync(mnistPath("t10k-labels-idx1-ubyte.gz"))).subarray(8);
    const [before, after] = [float, small].map(({ bytes }) => {
      let right = 0;
      const cases = Array.from({ length: IMAGES / 100 }, (_, i) => ({
        name: String(i),
        bytes,
        inputs: {
          data: rows(
            [100, 1, 28, 28],
            Array.from(pixels.subarray(i * 78400, (i + 1) * 78400), (x) => x / 256),
          ),
        },
      }));
      for (const [name, result] of runOnnx(cases)) {
        const at = 100 * Number(name);
        right += percentRight(result, labels.subarray(at, at + 100));
      }
      return right / cases.length;
    });
    console.log(`MNIST: ${before}% in float, ${after}% in 8 bits`);
    expect(before).toBeGreaterThan(95);
    expect(Math.abs(before - after)).toBeLessThanOrEqual(MOST_LOST);
    expect(small.int8!.layers.every(({ int8 }) => int8)).toBe(true);
    const [{ top1 }] = small.int8!.outputs;
    expect(Math.abs(top1![0] - top1![1])).toBeLessThanOrEqual(MOST_LOST);
    expect(small.bytes.length).toBeLessThan(0.3 * float.bytes.length);
  }, 120_000);
});

describe.skipIf(!hasOnnxRuntime() || !hasOracle())("a net in 8 bits, with random parameters", () => {
  it.each(["caffenet-saliency", "mobilenet-v1"])(
    "%s",
    async (name) => {
      const text = readFileSync(oraclePath("nets", name, "net.prototxt"), "utf8");
      const net = await compile(text, { target: "wasm" });
      await writeRandomParameters(net, 1);
      const [blob] = net.inputs;
      const { shape } = net.blobs[blob];
      const calibrate = `layer { name: "noise" type: "DummyData" top: "${blob}" dummy_data_param {
      shape { ${shape.map((extent) => `dim: ${extent}`).join(" ")} } data_filler { type: "gaussian" std: 1 } } }`;
      const float = await makeOnnx(net, { fold: true });
      const small = await makeOnnx(net, { int8: { calibrate, images: 4 } });
      await net.close();
      const report = small.int8!;
      expect(report.layers.every(({ int8 }) => int8)).toBe(true);
      expect(small.bytes.length).toBeLessThan(0.3 * float.bytes.length);
      const size = shape.reduce((product, extent) => product * extent, 1);
      const inputs = {
        [blob]: rows(
          shape,
          Array.from({ length: size }, (_, i) => Math.sin(i * i)),
        ),
      };
      const [before, after] = [float, small].map(({ bytes }) => {
        const { error, outputs } = runOnnx([{ name, bytes, inputs }]).get(name)!;
        expect(error).toBeUndefined();
        return [...outputs.values()][0].data;
      });
      const lost = relativeError(after, before);
      console.log(
        `${name}: ${small.nodes} nodes, ${report.outputs[0].relative} lost as measured, ${lost} in onnxruntime`,
      );
      expect(report.outputs[0].relative).toBeLessThan(0.05);
      expect(lost).toBeLessThan(0.05);
      expect(lost).toBeGreaterThan(1e-4);
    },
    240_000,
  );
});
