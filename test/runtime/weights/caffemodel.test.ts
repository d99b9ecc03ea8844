/** Binary nets of every generation, and blobs of every age. */
import { expect, it } from "vitest";
import { type BlobProto, createMessage, encodeMessage, type LayerParameter } from "../../../proto/index.js";
import { encodeWeights, matchWeights, readWeights } from "../../../runtime/weights/index.js";
import { layer, refusal } from "./support.js";

const values = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => i / 8);
const shaped = (...dim: readonly number[]): BlobProto =>
  createMessage("BlobProto", {
    shape: createMessage("BlobShape", { dim: [...dim] }),
    data: values(dim.reduce((a, b) => a * b, 1)),
  });
const legacy = (num: number, channels: number, height: number, width: number): BlobProto =>
  createMessage("BlobProto", { num, channels, height, width, data: values(num * channels * height * width) });
const withBlobs = (...blobs: BlobProto[]): LayerParameter =>
  createMessage("LayerParameter", { name: "ip", type: "InnerProduct", blobs });
const current = (...blobs: BlobProto[]): Uint8Array =>
  encodeMessage("NetParameter", { layer: [withBlobs(...blobs)] });
const onlyBlob = async (blob: BlobProto) => (await readWeights(current(blob))).layers[0].blobs[0];

it("reads the first generation, with its inputs and its padding", async () => {
  const v0 = (name: string, type: string, blobs: BlobProto[] = []) =>
    createMessage("V1LayerParameter", {
      bottom: ["data"],
      top: [name],
      layer: createMessage("V0LayerParameter", { name, type, blobs, num_output: 2 }),
    });
  const bytes = encodeMessage("NetParameter", {
    name: "old",
    input: ["data"],
    layers: [
      v0("pad1", "padding"),
      v0("conv1", "conv", [legacy(2, 1, 3, 3), legacy(1, 1, 1, 2)]),
      v0("relu1", "relu"),
      v0("fc", "innerproduct", [legacy(1, 1, 2, 5)]),
    ],
  });
  expect((await readWeights(bytes)).layers).toEqual([
    {
      name: "conv1",
      type: "Convolution",
      blobs: [
        { shape: [2, 1, 3, 3], data: values(18) },
        { shape: [1, 1, 1, 2], data: values(2) },
      ],
    },
    { name: "fc", type: "InnerProduct", blobs: [{ shape: [1, 1, 2, 5], data: values(10) }] },
  ]);
});

it("reads the second generation, and takes its shapes of four for shorter ones", async () => {
  const bytes = encodeMessage("NetParameter", {
    layers: [
      createMessage("V1LayerParameter", { name: "data", type: "DATA", top: ["data"] }),
      createMessage("V1LayerParameter", {
        name: "fc8",
        type: "INNER_PRODUCT",
        blobs: [legacy(1, 1, 2, 5), legacy(1, 1, 1, 2)],
      }),
    ],
  });
  const weights = await readWeights(bytes);
  expect(weights.layers.map(({ name, type }) => [name, type])).toEqual([["fc8", "InnerProduct"]]);
  const { report, assignments } = matchWeights(weights, [{ layer: "fc8", shapes: [[2, 5], [2]] }]);
  expect(report.matched).toEqual(["fc8"]);
  expect(assignments.map(({ data }) => data.length)).toEqual([10, 2]);
});

it("a layer type that Caffe does not have costs nothing in the second and third generation", async () => {
  const known = encodeMessage("NetParameter", {
    layers: [createMessage("V1LayerParameter", { name: "fc", type: "INNER_PRODUCT", blobs: [shaped(2)] })],
  });
  // type: INNER_PRODUCT is field 5, a varint of 14; some fork's own enum goes further.
  const at = Buffer.from(known).indexOf(Buffer.from([5 << 3, 14]));
  known[at + 1] = 120;
  expect((await readWeights(known)).layers).toMatchObject([{ name: "fc", type: "" }]);
  const named = createMessage("LayerParameter", { name: "x", type: "ROIPooling", blobs: [shaped(2)] });
  expect((await readWeights(encodeMessage("NetParameter", { layer: [named] }))).layers).toMatchObject([
    { name: "x", type: "ROIPooling" },
  ]);
});

it("refuses an unknown type of the first generation and a mixture of generations, as Caffe does", async () => {
  const old = createMessage("V1LayerParameter", {
    layer: createMessage("V0LayerParameter", { name: "x", type: "convv", blobs: [shaped(2)] }),
  });
  expect(await refusal(() => readWeights(encodeMessage("NetParameter", { layers: [old] })))).toBe(
    'error: the weights: layer "x": unknown layer type "convv"\n  did you mean "conv"?',
  );
  const second = createMessage("V1LayerParameter", { name: "y", blobs: [shaped(2)] });
  const mixed = encodeMessage("NetParameter", { layers: [second], layer: [withBlobs(shaped(2))] });
  expect(await refusal(() => readWeights(mixed))).toContain("both layer { … } and layers { … }");
});

it("is not bothered by inputs without proper shapes", async () => {
  const bytes = encodeMessage("NetParameter", {
    input: ["a", "b"],
    input_dim: [1, 2],
    layer: [withBlobs(shaped(3))],
  });
  expect((await readWeights(bytes)).layers).toHaveLength(1);
});

it("takes double_data before data, as Caffe, and leaves diffs alone", async () => {
  const shape = createMessage("BlobShape", { dim: [2] });
  const double_data = Float64Array.of(0.1, 1e300);
  const both = createMessage("BlobProto", { shape, double_data, data: values(2), diff: values(2) });
  expect(await onlyBlob(both)).toEqual({ shape: [2], data: Float32Array.of(0.1, Infinity) });
});

it("a blob without any shape is a list; a shape without extents is a scalar", async () => {
  expect(await onlyBlob(createMessage("BlobProto", { data: values(3) }))).toEqual({
    shape: [3],
    data: values(3),
  });
  const scalar = createMessage("BlobProto", { shape: createMessage("BlobShape"), data: values(1) });
  expect(await onlyBlob(scalar)).toEqual({ shape: [], data: values(1) });
});

it("tells every blob whose values are not as many as its shape says", async () => {
  const off = (dim: number[], count: number): BlobProto =>
    createMessage("BlobProto", { shape: createMessage("BlobShape", { dim }), data: values(count) });
  const bytes = current(
    off([2, 3], 5),
    off([-2, -3], 6),
    off([2 ** 40, 2 ** 40], 1),
    shaped(2),
    off(Array(99).fill(1), 2),
  );
  expect((await refusal(() => readWeights(bytes))).split("\n\n")).toEqual([
    'error: the weights: parameter 0 of layer "ip" has 5 values for its shape 2×3',
    'error: the weights: parameter 1 of layer "ip" has 6 values for its shape -2×-3',
    'error: the weights: parameter 2 of layer "ip" has 1 values for its shape 1099511627776×1099511627776',
    'error: the weights: parameter 4 of layer "ip" has 2 values for its shape 1×1×1×1×1×1×1×1×…',
  ]);
});

it("a net without blobs holds no weights", async () => {
  const bytes = encodeMessage("NetParameter", {
    name: "bare",
    layer: [createMessage("LayerParameter", { name: "relu", type: "ReLU" })],
  });
  expect(await refusal(() => readWeights(bytes))).toMatch(
    /^error: the weights holds? no weights\n {2}a \.caffemodel/,
  );
});

it("writes the bytes that protobuf's own writer would", async () => {
  const sizes = [[], [0], [1], [31], [32], [5000], [2, 3, 4, 5]];
  const layers = sizes.map((shape, i) => ({ ...layer(`layer ${i} 層`, [shape, [i]]), type: "Type" }));
  const whole = encodeMessage("NetParameter", {
    layer: layers.map(({ name, type, blobs }) =>
      createMessage("LayerParameter", {
        name,
        type,
        blobs: blobs.map(({ shape, data }) =>
          createMessage("BlobProto", { shape: createMessage("BlobShape", { dim: [...shape] }), data }),
        ),
      }),
    ),
  });
  expect(Buffer.from(await encodeWeights({ layers }, "caffemodel")).equals(whole)).toBe(true);
});

it("reads a fork's file, in which numbers of Caffe's settings mean something else", async () => {
  const blob = shaped(2);
  const plain = encodeMessage("LayerParameter", { name: "ip", type: "Interp", blobs: [blob] });
  // Field 148, Caffe's clip_param, whose min and max are required: here a string, a varint, or bytes of no message.
  const foreign = [
    [0xa2, 0x09, 3, 1, 2, 3],
    [0xa0, 0x09, 7],
    [0xa2, 0x09, 2, 0x0a, 0x7f],
  ];
  for (const field of foreign) {
    const layer = Uint8Array.from([...plain, ...field]);
    const bytes = Uint8Array.from([0xa2, 0x06, layer.length, ...layer]);
    const { layers } = await readWeights(bytes);
    expect(layers.map(({ name, blobs }) => [name, blobs.length])).toEqual([["ip", 1]]);
  }
});

it("reads NVIDIA's fork, which keeps values as plain bytes of several types", async () => {
  const written = Buffer.from(
    "CgF3ogZRCgJpcBIMSW5uZXJQcm9kdWN0Oio6BAoCAgRQAGIgAACAPwAAAEAAAEBAAACAQAAAoEAAAMBAAADgQAAAAEE6EToDCgECUABiCAAAIEEAAKBB",
    "base64",
  );
  const [{ blobs }] = (await readWeights(written)).layers;
  expect(blobs.map(({ shape, data }) => [shape, [...data]])).toEqual([
    [
      [2, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    [[2], [10, 20]],
  ]);
  const raw = (raw_data_type: number, content: ArrayBufferView, ...dim: number[]): BlobProto =>
    createMessage("BlobProto", {
      shape: createMessage("BlobShape", { dim }),
      raw_data_type,
      raw_data: new Uint8Array(content.buffer, content.byteOffset, content.byteLength),
    });
  // DOUBLE, FLOAT, FLOAT16, INT, UINT: NVIDIA's own numbers.
  const kinds: readonly [number, ArrayBufferView, readonly number[]][] = [
    [0, Float64Array.of(0.5, -2), [0.5, -2]],
    [1, Float32Array.of(0.5, -2), [0.5, -2]],
    [2, Uint16Array.of(0x3800, 0xc000, 0x0001, 0x7c00), [0.5, -2, 2 ** -24, Number.POSITIVE_INFINITY]],
    [3, Int32Array.of(-3, 4), [-3, 4]],
    [4, Uint32Array.of(2 ** 31, 4), [2 ** 31, 4]],
  ];
  for (const [type, content, expected] of kinds)
    expect([...(await onlyBlob(raw(type, content, expected.length))).data]).toEqual(expected);
  for (const bad of [
    raw(5, Uint8Array.of(1, 0), 2),
    raw(1, Uint8Array.of(1, 0, 0), 2),
    raw(9, Float32Array.of(1), 1),
  ])
    expect(await refusal(() => onlyBlob(bad))).toMatch(
      /has \d bytes of raw_data \(NVIDIA's fork of Caffe\), type \d, for its shape/,
    );
  expect(
    await refusal(() =>
      onlyBlob(createMessage("BlobProto", { shape: createMessage("BlobShape", { dim: [3] }) })),
    ),
  ).toContain("has 0 values for its shape 3\n  a fork of Caffe may keep values in fields of its own");
});
