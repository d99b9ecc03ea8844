/** What is no weight file, or only a part of one, is refused in words: in bounded time, without a trace or a file left. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { createMessage, encodeMessage } from "../../../proto/index.js";
import { encodeWeights, readWeights, type WeightSet, writeWeights } from "../../../runtime/weights/index.js";
import { layer, refusal } from "./support.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cortado-weights-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const weights: WeightSet = { layers: [layer("conv1", [[2, 1, 2, 2], [2]]), layer("ip", [[3]])] };
const safetensors = (json: string, body = 8): Uint8Array => {
  const bytes = new Uint8Array(8 + json.length + body);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(text(json), 8);
  return bytes;
};
const blob = createMessage("BlobProto", {
  num: 1,
  channels: 1,
  height: 1,
  width: 1,
  data: new Float32Array(1),
});

it.each([
  ["an empty file", new Uint8Array(0), "is empty"],
  ["a prototxt", text('name: "LeNet"\nlayer { name: "data" type: "Input" }'), "is text (a prototxt?)"],
  ["a prototxt with a comment", text("# größer\nlayers { }"), "is text (a prototxt?)"],
  ["a prototxt with a byte-order mark", text('\ufeff\u00a0name: "x"'), "is text (a prototxt?)"],
  ["JSON", text('{\n  "weights": [1, 2, 3]\n}'), "is JSON"],
  [
    "a web page",
    text("\n<!DOCTYPE html><html><body>404</body></html>"),
    "is a web page (a failed download?)",
  ],
  ["XML", text('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'), "is a web page"],
  [
    "a git-lfs pointer",
    text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"),
    "is a pointer to a file that git-lfs has not fetched",
  ],
  ["a zip", text("PK\u0003\u0004\u0014\0\0\0"), "is a zip archive"],
  ["gzip", gzipSync("weights"), "is compressed with gzip"],
  ["a pickle", Uint8Array.of(0x80, 2, 0x63), "is a file of Python's"],
  [
    "a solver state",
    encodeMessage("SolverState", { iter: 5, learned_net: "x" }),
    "is a solver state, not a weight file\n  --snapshot goes on from it",
  ],
  ["a mean image", encodeMessage("BlobProto", blob), "is a mean image, or another single blob (BlobProto)"],
  [
    "a record of a database",
    encodeMessage("Datum", { channels: 1, height: 1, width: 1, data: new Uint8Array(1), label: 3 }),
    "is a record of a database (Datum)",
  ],
  ["an image", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), "is an image (PNG)"],
  ["text of Windows", text("\ufeffname").fill(0xff, 0, 1).fill(0xfe, 1, 2), "is text in UTF-16"],
  ["safetensors without tensors", safetensors("{}"), "holds no weights"],
  ["safetensors, header cut", safetensors('{"a/0":').subarray(0, 12), "its header is cut short"],
  ["safetensors, bad JSON", safetensors('{"a/0":'), "its header is no JSON object"],
  ["safetensors, bad UTF-8", safetensors("{}").fill(0xff, 9, 10), "its header is no JSON object"],
  ["safetensors, no entry", safetensors('{"a/0":null}'), 'tensor "a/0" has no description'],
  [
    "safetensors, bad dtype",
    safetensors('{"a/0":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}'),
    'tensor "a/0" has dtype "F8_E4M3"; F64, F32, F16, BF16, I8, U8,',
  ],
  [
    "safetensors, a dtype that is no text",
    safetensors('{"a/0":{"dtype":{"toString":1},"shape":[2],"data_offsets":[0,8]}}'),
    'tensor "a/0" has no proper dtype',
  ],
  [
    "safetensors, metadata that are no texts",
    safetensors(
      '{"__metadata__":{"type:a":{"toString":1}},"a/0":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
    ),
    'its metadata "type:a" is no text',
  ],
  [
    "safetensors, metadata that are a list",
    safetensors('{"__metadata__":[]}'),
    "its __metadata__ is no object",
  ],
  [
    "safetensors, one name twice",
    safetensors(
      '{"a/0":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a\\/0":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
    ),
    'its header says "a/0" twice',
  ],
  [
    "safetensors, one setting twice",
    safetensors('{"a/0":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}}'),
    'its header says "shape" twice',
  ],
  [
    "safetensors, an extent that is no number",
    safetensors('{"a/0":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}'),
    'tensor "a/0" has no proper shape',
  ],
  [
    "safetensors, an offset that is no whole number",
    safetensors('{"a/0":{"dtype":"F32","shape":[2],"data_offsets":[0,8.5]}}'),
    'tensor "a/0" has no proper data_offsets',
  ],
  [
    "safetensors, a negative offset",
    safetensors('{"a/0":{"dtype":"F32","shape":[3],"data_offsets":[-4,8]}}'),
    'tensor "a/0" lies outside the file',
  ],
  [
    "safetensors, a hole",
    safetensors(
      '{"a/0":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"a/1":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
    ),
    'there are bytes of no tensor before "a/1"',
  ],
  [
    "safetensors, bytes after the last",
    safetensors('{"a/0":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
    "its tensors end at byte 4 of their 8",
  ],
  [
    "safetensors, bad name",
    safetensors('{"a.weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'),
    'tensor "a.weight" is not named <layer>/<index>',
  ],
  [
    "safetensors, bad shape",
    safetensors('{"a/0":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}'),
    'tensor "a/0" has no proper shape',
  ],
  [
    "safetensors, bad size",
    safetensors('{"a/0":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}'),
    'tensor "a/0" has 8 bytes of F32 for its shape 3',
  ],
  [
    "safetensors, huge shape",
    safetensors(`{"a/0":{"dtype":"F32","shape":[${"9007199254740991,".repeat(40)}0],"data_offsets":[0,8]}}`),
    'tensor "a/0" has 8 bytes of F32 for its shape 9007199254740991×',
  ],
  [
    "safetensors, outside",
    safetensors('{"a/0":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}'),
    'tensor "a/0" lies outside the file',
  ],
  [
    "safetensors, overlap",
    safetensors(
      '{"a/0":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a/1":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
    ),
    'tensor "a/1" overlaps another',
  ],
  [
    "safetensors, a gap",
    safetensors('{"a/1":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'),
    'layer "a" has no tensor 0',
  ],
])("%s", async (name, bytes, words) => {
  expect(await refusal(() => readWeights(bytes))).toMatch(/^error: the weights (is|are|holds?) /);
  const path = join(folder, `${name}.caffemodel`);
  writeFileSync(path, bytes);
  const message = await refusal(() => readWeights(path));
  expect(message).toContain(words);
  expect(message.startsWith(`error: ${JSON.stringify(path)} `)).toBe(true);
});

it("safetensors: numbers of every type that is read", async () => {
  const read = async (dtype: string, content: ArrayBufferView, count: number): Promise<readonly number[]> => {
    const file = safetensors(
      `{"a/0":{"dtype":"${dtype}","shape":[${count}],"data_offsets":[0,${content.byteLength}]}}`,
      content.byteLength,
    );
    const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
    file.set(bytes, file.length - bytes.length);
    return [...(await readWeights(file)).layers[0].blobs[0].data];
  };
  expect(await read("F16", Uint16Array.of(0x3c00, 0xfbff), 2)).toEqual([1, -65504]);
  expect(await read("BF16", Uint16Array.of(0x3fc0, 0xff80), 2)).toEqual([1.5, Number.NEGATIVE_INFINITY]);
  expect(await read("F64", Float64Array.of(0.1), 1)).toEqual([Math.fround(0.1)]);
  expect(await read("I8", Int8Array.of(-1, 2), 2)).toEqual([-1, 2]);
  expect(await read("U8", Uint8Array.of(255, 2), 2)).toEqual([255, 2]);
  expect(await read("I16", Int16Array.of(-300), 1)).toEqual([-300]);
  expect(await read("U16", Uint16Array.of(65535), 1)).toEqual([65535]);
  expect(await read("I32", Int32Array.of(-70000), 1)).toEqual([-70000]);
  expect(await read("U32", Uint32Array.of(2 ** 31), 1)).toEqual([2 ** 31]);
  expect(await read("I64", BigInt64Array.of(-5n), 1)).toEqual([-5]);
  expect(await read("U64", BigUint64Array.of(2n ** 40n), 1)).toEqual([2 ** 40]);
});

it("paths that lead nowhere, and values that are no paths", async () => {
  const missing = join(folder, "none.caffemodel");
  expect(await refusal(() => readWeights(missing))).toBe(
    `error: cannot read the weights ${JSON.stringify(missing)}: there is no such file or folder`,
  );
  mkdirSync(join(folder, "dir.h5"));
  expect(await refusal(() => readWeights(join(folder, "dir.h5")))).toContain(": it is a folder");
  expect(await refusal(() => readWeights(""))).toContain("there is no such file");
  await refusal(() => readWeights("a\0b"));
  for (const value of [undefined, null, 5, {}, new Float32Array(8), [1, 2]])
    expect(await refusal(() => readWeights(value as unknown as string))).toContain("a Uint8Array");
});

it("writing: the ending must be known, and the place must be there", async () => {
  for (const path of ["net", "net.pth", ".h", "net.caffemodel.gz"])
    expect(await refusal(() => writeWeights(join(folder, path), weights))).toMatch(
      /^error: cannot tell the format .*\n {2}names end in \.caffemodel, \.caffemodel\.h5 or \.safetensors$/,
    );
  const before = readdirSync(folder);
  expect(await refusal(() => writeWeights(join(folder, "no", "net.caffemodel"), weights))).toMatch(
    /^error: cannot write the weights ".*net\.caffemodel": there is no such file or folder$/,
  );
  expect(readdirSync(folder)).toEqual(before);
});

it.each(["caffemodel", "safetensors", "hdf5"] as const)("%s: cut short at any length", async (format) => {
  const whole = await encodeWeights(weights, format);
  // Of HDF5 most bytes are empty room, and each try opens a file.
  const step = format === "hdf5" ? 13 : 1;
  for (let length = 0; length < whole.length; length += step) {
    const read = await readWeights(whole.subarray(0, length)).catch((error: unknown) => error);
    if (read instanceof CortadoError) {
      expect(read.message).not.toMatch(/HDF5-DIAG|\bat .*:\d+|\.c line|#0/);
      continue;
    }
    // A .caffemodel cut between two layers is a sound file of fewer layers.
    expect(format).toBe("caffemodel");
    expect(read).toEqual({ layers: weights.layers.slice(0, 1) });
  }
});

it("random bytes after any beginning", async () => {
  const starts = [[], [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a], [0xa2, 0x06], [0x12], [0x0a]];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 300 }), async (start, rest) => {
      try {
        await readWeights(Uint8Array.from([...start, ...rest]));
      } catch (error) {
        expect(error).toBeInstanceOf(CortadoError);
      }
    }),
    { numRuns: 500 },
  );
});
