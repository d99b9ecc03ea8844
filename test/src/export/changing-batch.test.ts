import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeOnnx } from "../../../src/export-onnx.js";
import { compile, defineLayer, scalar } from "../../../src/index.js";
import { relativeError } from "../../support/case.js";
import { hasOnnxRuntime, runOnnx } from "../../support/onnx.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

const input = (dims: string): string =>
  `layer { name: "data" type: "Input" top: "data" input_param { shape { ${dims} } } }`;

/** Layers in whose shapes a batch lies otherwise than as the first extent. */
const NETS: Readonly<Record<string, string>> = {
  flatten: `${input("dim: 2 dim: 3 dim: 4 dim: 5")}
    layer { name: "f" type: "Flatten" bottom: "data" top: "f" flatten_param { axis: 0 end_axis: 1 } }
    layer { name: "t" type: "TanH" bottom: "f" top: "t" }`,
  mvn: `${input("dim: 2 dim: 3 dim: 4 dim: 5")}
    layer { name: "m" type: "MVN" bottom: "data" top: "m" }`,
  lrn: `${input("dim: 2 dim: 3 dim: 4 dim: 5")}
    layer { name: "l" type: "LRN" bottom: "data" top: "l" lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 } }
    layer { name: "p" type: "Pooling" bottom: "l" top: "p" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }`,
  crop: `${input("dim: 2 dim: 3 dim: 6 dim: 6")}
    layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { kernel_size: 2 stride: 2 } }
    layer { name: "c" type: "Crop" bottom: "data" bottom: "p" top: "c" crop_param { axis: 2 offset: 1 } }
    layer { name: "s" type: "Slice" bottom: "c" top: "s1" top: "s2" slice_param { axis: 1 slice_point: 1 } }`,
  product: `${input("dim: 2 dim: 3 dim: 4 dim: 5")}
    layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4 axis: 2
      weight_filler { type: "xavier" } } }`,
};

const BATCHES = [1, 2, 5];

describe.skipIf(!hasOnnxRuntime())("a batch that is left open", () => {
  const nets = hasOracle()
    ? { ...NETS, lenet: readFileSync(`${oraclePath("nets")}/lenet-deploy/net.prototxt`, "utf8") }
    : NETS;
  it.each(Object.entries(nets))("%s has the values of each batch", async (_, text) => {
    const { bytes, inputs } = await makeOnnx(text, { dynamicBatch: true });
    expect(inputs[0].shape[0]).toBe("batch");
    for (const rows of BATCHES) {
      const shape = inputs[0].shape.map((extent) => (extent === "batch" ? rows : Number(extent)));
      const net = await compile(text, { shapes: { data: shape }, target: "ts" });
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i));
      const expected = await net.forward({ data });
      await net.close();
      const result = runOnnx([{ name: "net", bytes, inputs: { data: { shape, data } } }]).get("net")!;
      expect(result.error).toBeUndefined();
      expect([...result.outputs.keys()].sort()).toEqual(Object.keys(expected).sort());
      for (const [blob, { data: values }] of result.outputs)
        expect(relativeError(values, expected[blob]), `${blob} of ${rows}`).toBeLessThan(1e-4);
    }
  });
});

/** Its weights are divided by the batch: constants of the file that another batch would have otherwise. */
const perBatch = defineLayer({
  type: "PerBatch",
  summary: "x times a weight over the number of images",
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [x], param }) {
    const weight = param(0, [1, x.shape[1]], undefined, 1);
    const share = builder.map(scalar.div(scalar.arg(0), scalar.constant(x.shape[0])), [weight]);
    return [builder.map(scalar.mul(scalar.arg(0), scalar.arg(1)), [x, share], x.shape)];
  },
});

describe("a batch that cannot be left open", () => {
  it("a layer whose constants depend on it is named", async () => {
    const text = `${input("dim: 2 dim: 6")} layer { name: "per" type: "PerBatch" bottom: "data" top: "y" }`;
    await expect(makeOnnx(text, { dynamicBatch: true, layers: [perBatch] })).rejects.toThrow(
      'the batch cannot be left open: layer "per" (PerBatch) is written for 2',
    );
  });

  it.each([
    [
      "a layer that wants its number",
      `${input("dim: 2 dim: 6")}
       layer { name: "r" type: "Reshape" bottom: "data" top: "r" reshape_param { shape { dim: 2 dim: 2 dim: 3 } } }`,
      /^the batch cannot be left open: with 3 instead of 2 /,
    ],
    [
      "a layer that divides by it",
      `layer { name: "data" type: "Input" top: "a" top: "b" input_param { shape { dim: 2 dim: 6 } shape { dim: 2 dim: 6 } } }
       layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" }`,
      /^the batch cannot be left open: layer "loss" \(EuclideanLoss\) is written for 2$/,
    ],
  ])("%s is named", async (_, text, message) => {
    await expect(makeOnnx(text, { dynamicBatch: true })).rejects.toMatchObject({
      name: "CortadoError",
      diagnostics: [{ message: expect.stringMatching(message) }],
    });
  });
});
