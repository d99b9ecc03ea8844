/** Nets in the shapes of well-known ones: a fully convolutional one (FCN) and the trunk of a detector (SSD). */
import { describe, expect, it } from "vitest";
import { makeOnnx } from "../../../src/export-onnx.js";
import { writeRandomParameters } from "../../../src/gradcheck/random-parameters.js";
import { compile, extras } from "../../../src/index.js";
import { relativeError } from "../../support/case.js";
import { hasOnnxRuntime, runOnnx } from "../../support/onnx.js";

const image = (height: number, width: number): string => `layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: ${height} dim: ${width} } } }`;
const conv = (
  name: string,
  bottom: string,
  settings: string,
): string => `layer { name: "${name}" type: "Convolution"
    bottom: "${bottom}" top: "${name}" convolution_param { ${settings} weight_filler { type: "xavier" } } }
  layer { name: "${name}/relu" type: "ReLU" bottom: "${name}" top: "${name}" }`;
const pool = (
  name: string,
  bottom: string,
): string => `layer { name: "${name}" type: "Pooling" bottom: "${bottom}"
  top: "${name}" pooling_param { kernel_size: 2 stride: 2 } }`;
const up = (
  name: string,
  bottom: string,
  settings: string,
): string => `layer { name: "${name}" type: "Deconvolution"
  bottom: "${bottom}" top: "${name}" convolution_param { num_output: 21 bias_term: false ${settings}
    weight_filler { type: "xavier" } } }`;
const crop = (
  name: string,
  bottom: string,
  like: string,
  offset: number,
): string => `layer { name: "${name}" type: "Crop"
  bottom: "${bottom}" bottom: "${like}" top: "${name}" crop_param { axis: 2 offset: ${offset} } }`;

const FCN = [
  image(61, 75),
  conv("conv1", "data", "num_output: 16 kernel_size: 3 pad: 50"),
  pool("pool1", "conv1"),
  conv("conv2", "pool1", "num_output: 24 kernel_size: 3 pad: 1"),
  pool("pool2", "conv2"),
  conv("conv3", "pool2", "num_output: 32 kernel_size: 3 pad: 1"),
  pool("pool3", "conv3"),
  conv("fc6", "pool3", "num_output: 64 kernel_size: 7"),
  conv("score", "fc6", "num_output: 21 kernel_size: 1"),
  up("up2", "score", "group: 21 kernel_size: 4 stride: 2"),
  conv("score2", "pool2", "num_output: 21 kernel_size: 1"),
  crop("crop2", "score2", "up2", 5),
  `layer { name: "fuse" type: "Eltwise" bottom: "up2" bottom: "crop2" top: "fuse"
    eltwise_param { operation: SUM coeff: 1 coeff: 0.5 } }`,
  up("up8", "fuse", "kernel_size: 16 stride: 8"),
  crop("out", "up8", "data", 19),
].join("\n");

/** One scale of a detector: its boxes, behind one another. */
const boxes = (
  name: string,
  bottom: string,
): string => `${conv(`loc_${name}`, bottom, "num_output: 16 kernel_size: 3 pad: 1")}
  layer { name: "perm_${name}" type: "Permute" bottom: "loc_${name}" top: "perm_${name}"
    permute_param { order: 0 order: 2 order: 3 order: 1 } }
  layer { name: "flat_${name}" type: "Flatten" bottom: "perm_${name}" top: "flat_${name}" }`;

const SSD = [
  image(48, 48),
  conv("c1", "data", "num_output: 16 kernel_size: 3 pad: 1"),
  pool("p1", "c1"),
  conv("c2", "p1", "num_output: 32 kernel_size: 3 pad: 1"),
  pool("p2", "c2"),
  conv("c3", "p2", "num_output: 32 kernel_size: 3 pad: 6 dilation: 6"),
  `layer { name: "norm" type: "Normalize" bottom: "c2" top: "norm" norm_param { across_spatial: false
    channel_shared: false scale_filler { type: "constant" value: 20 } } }`,
  boxes("near", "norm"),
  boxes("far", "c3"),
  `layer { name: "all" type: "Concat" bottom: "flat_near" bottom: "flat_far" top: "all" concat_param { axis: 1 } }
   layer { name: "rows" type: "Reshape" bottom: "all" top: "rows" reshape_param { shape { dim: 0 dim: -1 dim: 4 } } }
   layer { name: "prob" type: "Softmax" bottom: "rows" top: "prob" softmax_param { axis: 2 } }`,
].join("\n");

describe.skipIf(!hasOnnxRuntime())("nets in the shapes of known ones, by onnxruntime", () => {
  it.each([
    ["FCN", FCN],
    ["SSD", SSD],
  ])("%s", async (name, text) => {
    const net = await compile(text, { target: "ts", layers: Object.values(extras).flat() });
    await writeRandomParameters(net, 1);
    const { shape } = net.blobs.data;
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * i));
    const expected = await net.forward({ data });
    const { bytes, nodes, layers } = await makeOnnx(net);
    await net.close();
    const { error, outputs } = runOnnx([{ name, bytes, inputs: { data: { shape, data } } }]).get(name)!;
    expect(error).toBeUndefined();
    for (const [blob, { data: made }] of outputs)
      expect(relativeError(made, expected[blob]), blob).toBeLessThan(1e-5);
    expect(nodes / layers).toBeLessThan(1.3);
  });
});
