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
  ["JSON", text('{\n  "weights": [1, 2, 3]\n}'), "is text (a prototxt?)"],
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
    "is a solver state or a mean image",
  ],
  ["a mean image", encodeMessage("BlobProto", blob), "is a solver state or a mean image"],
  ["safetensors without tensors", safetensors("{}"), "holds no weights"],
  ["safetensors, header cut", safetensors('{"a/0":').subarray(0, 12), "its header is cut short"],
  ["safetensors, bad JSON", safetensors('{"a/0":'), "its header is no JSON object"],
  ["safetensors, bad UTF-8", safetensors("{}").fill(0xff, 9, 10), "its header is no JSON object"],
  ["safetensors, no entry", safetensors('{"a/0":null}'), 'tensor "a/0" has no description'],
  [
    "safetensors, bad dtype",
    safetensors('{"a/0":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'),
    'tensor "a/0" has dtype "BF16"; F32 and F64 can be read',
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

it("paths that lead nowhere, and values that are no paths", async () => {
  const missing = join(folder, "none.caffemodel");
  expect(await refusal(() => readWeights(missing))).toBe(
    `error: cannot read the weights ${JSON.stringify(missing)}: there is no such file or folder`,
  );
  mkdirSync(join(folder, "dir.h5"));
  expect(await refusal(() => readWeights(join(folder, "dir.h5")))).toContain(": it is a folder");
  expect(await refusal(() => readWeights(""))).toContain("there is no such file");
  await refusal(() => readWeights("a\0b"));
  for (const value of [undefined, null, 5, {}, new ArrayBuffer(8), [1, 2]])
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
