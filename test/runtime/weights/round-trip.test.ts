/** What is written is read back, in every format and under any name. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeWeights,
  readWeights,
  type WeightFormat,
  type WeightSet,
} from "../../../runtime/weights/index.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";
import { blob, layer, refusal } from "./support.js";

const FORMATS = ["caffemodel", "hdf5", "safetensors"] as const;
/** Names that mean something to JavaScript, to JSON, to a file system, to a path of groups or to a terminal. */
const HOSTILE = [
  "__proto__",
  "constructor",
  "__metadata__",
  "0",
  "12",
  "inception_3a/1x1",
  "a/0",
  "..",
  "...",
  "a b ",
  "'\"`$".concat("{x}*/*"),
  "line\nline\r\t",
  "\u001b[31m",
  "größe 層 🙂",
  "type:conv1",
  "data",
  "x".repeat(300),
] as const;

/** From plain bytes and from a Buffer within a larger one, whose `slice` does not copy. */
async function again(weights: WeightSet, format: WeightFormat): Promise<WeightSet> {
  const bytes = await encodeWeights(weights, format);
  const read = await readWeights(bytes);
  const within = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3);
  expect(bits((await readWeights(within)).layers)).toEqual(bits(read.layers));
  return read;
}

/** With each blob's bits as one text: quick to compare, and exact for NaN and -0. */
const bits = (layers: WeightSet["layers"]) =>
  layers.map(({ blobs, ...rest }) => ({
    ...rest,
    blobs: blobs.map(({ shape, data }) => ({
      shape,
      bits: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex"),
    })),
  }));

/** HDF5 does not keep types, and sorts by name. */
const asHeld = ({ layers }: WeightSet, format: WeightFormat): WeightSet["layers"] =>
  format === "hdf5"
    ? layers.map((each) => ({ ...each, type: "" })).sort((a, b) => (a.name < b.name ? -1 : 1))
    : layers;
const sorted = (layers: WeightSet["layers"]): WeightSet["layers"] =>
  [...layers].sort((a, b) => (a.name < b.name ? -1 : 1));

describe.each(FORMATS)("%s", (format) => {
  it("keeps names whatever they are", async () => {
    const weights = { layers: HOSTILE.map((name) => layer(name, [[2, 3], [2]])) };
    const { layers } = await again(weights, format);
    expect(format === "hdf5" ? sorted(layers) : layers).toEqual(asHeld(weights, format));
  });

  it("keeps scalars, empty blobs, many blobs and odd values", async () => {
    const odd = Float32Array.of(Number.NaN, Infinity, -Infinity, -0, 2 ** -149, 3.4028234663852886e38);
    const weights: WeightSet = {
      layers: [
        layer("scalar", [[]]),
        layer("empty", [[0, 3]]),
        layer(
          "many",
          Array.from({ length: 12 }, (_, i) => [i + 1]),
        ),
        { name: "odd", type: "Bias", blobs: [{ shape: [6], data: odd }] },
        { name: "view", type: "Bias", blobs: [{ shape: [2], data: odd.subarray(3, 5) }] },
      ],
    };
    const { layers } = await again(weights, format);
    expect(bits(sorted(layers))).toEqual(bits(sorted(asHeld(weights, format))));
  });

  it("keeps any set", async () => {
    const name = fc.string({ unit: "binary", minLength: 1, maxLength: 12 });
    const sets = fc
      .uniqueArray(name, { maxLength: 4, minLength: 1 })
      .map((names) => ({ layers: names.map((each, i) => layer(each, [[i + 1, 2], [1]])) }));
    await fc.assert(
      fc.asyncProperty(sets, async (weights) => {
        // What HDF5 cannot hold is refused in words, tested below.
        const bad = /(^|\/)\.?(\/|$)|\0/;
        fc.pre(format !== "hdf5" || !weights.layers.some((each) => bad.test(each.name)));
        const { layers } = await again(weights, format);
        expect(bits(sorted(layers))).toEqual(bits(sorted(asHeld(weights, format))));
      }),
      { numRuns: format === "hdf5" ? 20 : 200 },
    );
  });

  it("gives the same bytes for the same weights", async () => {
    const weights = { layers: [layer("conv1", [[2, 3], [2]]), layer("ip", [[4]])] };
    const first = await encodeWeights(weights, format);
    expect(Buffer.from(first).equals(await encodeWeights(weights, format))).toBe(true);
  });
});

it("an empty name is kept where the format can", async () => {
  const weights = { layers: [layer("", [[2]])] };
  expect(await again(weights, "caffemodel")).toEqual(weights);
  expect(await again(weights, "safetensors")).toEqual(weights);
});

it("HDF5 refuses every name that it cannot hold", async () => {
  const names = ["", ".", "a//b", "/a", "a/", "./a", "a/./b", "a\0b", "a/".repeat(70).concat("b")];
  for (const name of names)
    expect(await refusal(() => encodeWeights({ layers: [layer(name, [[1]])] }, "hdf5"))).toMatch(
      /^error: HDF5 cannot hold a layer of the name ".*": .*\n {2}write \.caffemodel or \.safetensors$/,
    );
  const clash = { layers: [layer("a", [[1]]), layer("a/0", [[1]])] };
  expect(await refusal(() => encodeWeights(clash, "hdf5"))).toContain(
    '"a/0": another layer has a parameter of that path',
  );
});

it("safetensors: F64 is rounded, and alignment and space do not matter", async () => {
  const header = (json: string): Uint8Array => {
    const bytes = new Uint8Array(8 + json.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(new TextEncoder().encode(json), 8);
    return bytes;
  };
  const json =
    '{ "ip/0":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"ip/1":{"dtype":"F32","shape":[],"data_offsets":[16,20]} }';
  const bytes = Buffer.concat([
    header(json),
    Buffer.from(Float64Array.of(0.1, -2).buffer),
    Buffer.from(Float32Array.of(7).buffer),
  ]);
  expect(await readWeights(bytes)).toEqual({
    layers: [
      {
        name: "ip",
        type: "",
        blobs: [
          { shape: [2], data: Float32Array.of(0.1, -2) },
          { shape: [], data: Float32Array.of(7) },
        ],
      },
    ],
  });
});

it.runIf(hasOracle())("Caffe's own .caffemodel and .caffemodel.h5 hold the same", async () => {
  const binary = await readWeights(oraclePath("traces", "lenet_init.caffemodel"));
  const hdf5 = await readWeights(oraclePath("files", "lenet_init.caffemodel.h5"));
  expect(binary.layers.map(({ name, type }) => [name, type])).toEqual([
    ["conv1", "Convolution"],
    ["conv2", "Convolution"],
    ["ip1", "InnerProduct"],
    ["ip2", "InnerProduct"],
  ]);
  expect(binary.layers[0].blobs.map(({ shape }) => shape)).toEqual([[20, 1, 5, 5], [20]]);
  expect(bits(hdf5.layers)).toEqual(bits(asHeld(binary, "hdf5")));
  for (const format of FORMATS)
    expect(bits((await again(binary, format)).layers)).toEqual(bits(asHeld(binary, format)));
});

it("every mistake of a set is reported, and nothing is encoded", async () => {
  const wrong = {
    layers: [
      layer("twice", [[1]]),
      layer("twice", [[1]]),
      { name: 5 },
      { name: "a", type: "ReLU" },
      { name: "b", blobs: [{ shape: [2, 2], data: new Float32Array(3) }, { shape: [1] }, null] },
      {
        name: "c",
        type: "",
        blobs: [{ data: new Float32Array(1) }, { shape: [-1, -1], data: blob([1]).data }],
      },
    ],
  } as unknown as WeightSet;
  for (const format of FORMATS)
    expect((await refusal(() => encodeWeights(wrong, format))).split("\n\n")).toEqual([
      "error: layer 2 of the weights has no name",
      'error: layer "a" of the weights has no array of blobs',
      'error: layer "b" of the weights has no type: give "" where it is not known',
      'error: parameter 0 of layer "b" of the weights has 3 values for its shape 2×2',
      'error: parameter 1 of layer "b" of the weights has no Float32Array of data',
      'error: parameter 2 of layer "b" of the weights has no Float32Array of data',
      'error: parameter 0 of layer "c" of the weights has no shape',
      'error: parameter 1 of layer "c" of the weights has 1 values for its shape -1×-1',
    ]);
  for (const set of [undefined, null, 5, {}, { layers: {} }])
    expect(await refusal(() => encodeWeights(set as unknown as WeightSet, "caffemodel"))).toContain(
      "{ layers: [{ name, type, blobs }] }",
    );
  expect(await refusal(() => encodeWeights({ layers: [] }, "onnx" as WeightFormat))).toBe(
    'error: argument format of encodeWeights is "onnx"; it may be "caffemodel", "hdf5" or "safetensors"',
  );
});
