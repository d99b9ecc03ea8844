import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { CortadoError } from "../../proto/errors/index.js";
import {
  createMessage,
  decodeMessage,
  encodeMessage,
  has,
  type MessageName,
  schemaRoot,
} from "../../proto/index.js";
import { hasOracle, oraclePath } from "../support/oracle.js";

const FILES: readonly (readonly [string, MessageName])[] = [
  ["traces/lenet_init.caffemodel", "NetParameter"],
  ["files/snapshot-sgd-inv/lenet_iter_60.caffemodel", "NetParameter"],
  ["files/snapshot-adam/lenet_iter_60.caffemodel", "NetParameter"],
  ["files/snapshot-sgd-inv/lenet_iter_60.solverstate", "SolverState"],
  ["files/snapshot-adam/lenet_iter_60.solverstate", "SolverState"],
  ["files/mean.binaryproto", "BlobProto"],
];

describe.runIf(hasOracle())("binary files that Caffe wrote", () => {
  it.each(FILES)("%s is read whole and written back byte for byte", (path, type) => {
    const bytes = readFileSync(oraclePath(path));
    const message = decodeMessage(type, bytes);
    expect(Buffer.from(encodeMessage(type, message)).equals(bytes)).toBe(true);
  });

  it("LeNet's weights have their names, types and shapes", () => {
    const net = decodeMessage("NetParameter", readFileSync(oraclePath("traces/lenet_init.caffemodel")));
    const shapes = net.layer
      .filter((layer) => layer.blobs.length > 0)
      .map((layer) => [layer.name, layer.type, layer.blobs.map((blob) => blob.shape?.dim)]);
    expect(shapes).toEqual([
      ["conv1", "Convolution", [[20, 1, 5, 5], [20]]],
      ["conv2", "Convolution", [[50, 20, 5, 5], [50]]],
      ["ip1", "InnerProduct", [[500, 800], [500]]],
      ["ip2", "InnerProduct", [[10, 500], [10]]],
    ]);
    for (const layer of net.layer)
      for (const blob of layer.blobs) {
        expect(blob.data).toBeInstanceOf(Float32Array);
        expect(blob.data.length).toBe(blob.shape?.dim.reduce((a, b) => a * b, 1));
      }
  });

  it("each solver's state holds its counters and its history", () => {
    const read = (name: string) =>
      decodeMessage("SolverState", readFileSync(oraclePath("files", name, "lenet_iter_60.solverstate")));
    expect([read("snapshot-sgd-inv").iter, read("snapshot-sgd-inv").history.length]).toEqual([60, 8]);
    expect([read("snapshot-adam").iter, read("snapshot-adam").history.length]).toEqual([60, 16]);
  });

  it("the mean image is in the old four extents", () => {
    const mean = decodeMessage("BlobProto", readFileSync(oraclePath("files/mean.binaryproto")));
    expect([mean.num, mean.channels, mean.height, mean.width, mean.data.length]).toEqual([1, 1, 28, 28, 784]);
    expect(mean.shape).toBeUndefined();
  });
});

describe("the binary form", () => {
  it("reads what protobufjs itself writes, packed or not", () => {
    const type = schemaRoot().lookupType("caffe.BlobProto");
    const bytes = type.encode({ shape: { dim: [2, 2] }, data: [1, 2, 3, 4], double_data: [0.5] }).finish();
    const blob = decodeMessage("BlobProto", bytes);
    expect(blob.data).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(blob.double_data).toEqual(Float64Array.of(0.5));

    const unpacked = protobuf.Writer.create();
    for (let i = 0; i < 100; i++) unpacked.uint32((5 << 3) | 5).float(i);
    for (let i = 0; i < 3; i++) unpacked.uint32((1 << 3) | 0).int32(i);
    unpacked.uint32((5 << 3) | 2).bytes(new Uint8Array(Float32Array.of(100, 101).buffer));
    const both = decodeMessage("BlobProto", unpacked.finish());
    expect(both.data).toEqual(Float32Array.from({ length: 102 }, (_, i) => i));
    expect(both.num).toBe(2);
  });

  it("writes what protobufjs itself reads", () => {
    const solver = createMessage("SolverParameter", {
      random_seed: -5,
      solver_mode: "CPU",
      base_lr: 0.1,
      test_iter: [1, 2],
      net_param: createMessage("NetParameter", { name: "é", input: ["a"] }),
    });
    const type = schemaRoot().lookupType("caffe.SolverParameter");
    const read = type.toObject(type.decode(encodeMessage("SolverParameter", solver)), {
      longs: Number,
      enums: String,
    });
    expect(read).toEqual({
      random_seed: -5,
      solver_mode: "CPU",
      base_lr: Math.fround(0.1),
      test_iter: [1, 2],
      net_param: { name: "é", input: ["a"] },
    });
  });

  it("merges a singular message that comes twice and drops unknown fields and enum values", () => {
    const part = (bytes: Uint8Array) =>
      protobuf.Writer.create()
        .uint32((6 << 3) | 2)
        .bytes(bytes)
        .finish();
    const bytes = Buffer.concat([
      part(encodeMessage("NetState", { phase: "TRAIN" })),
      protobuf.Writer.create()
        .uint32((999 << 3) | 0)
        .int32(7)
        .finish(),
      part(encodeMessage("NetState", { level: 3 })),
      part(
        protobuf.Writer.create()
          .uint32(1 << 3)
          .int32(17)
          .finish(),
      ),
    ]);
    const net = decodeMessage("NetParameter", bytes);
    expect(net.state).toEqual({ phase: "TRAIN", level: 3 });
    expect(has(net, "name")).toBe(false);
  });

  it("keeps the short decimal of a float", () => {
    const bytes = encodeMessage("ParamSpec", { lr_mult: 0.1, decay_mult: 1e-8 });
    expect(decodeMessage("ParamSpec", bytes)).toEqual({ lr_mult: 0.1, decay_mult: 1e-8 });
  });

  it.each([
    ["cut short", Uint8Array.of(0x0a, 0x05, 0x61)],
    ["a length beyond the end", Uint8Array.of(0xa2, 0x06, 0xff, 0xff, 0xff, 0xff, 0x07)],
    ["a packed field of 3 bytes", Uint8Array.of(0xa2, 0x06, 0x07, 0x3a, 0x05, 0x2a, 0x03, 1, 2, 3)],
    ["a text file", new TextEncoder().encode('name: "LeNet"\n')],
    ["nested groups", new Uint8Array(100_000).fill(((120 << 3) & 0x7f) | 3)],
  ])("%s is refused with a CortadoError", (_, bytes) => {
    expect(() => decodeMessage("NetParameter", bytes, "x.caffemodel")).toThrow(CortadoError);
    expect(() => decodeMessage("NetParameter", bytes, "x.caffemodel")).toThrow(
      /x\.caffemodel is not a NetParameter/,
    );
  });

  it("says which required field is missing", () => {
    const bytes = encodeMessage("NetParameter", {
      layer: [createMessage("LayerParameter", { clip_param: createMessage("ClipParameter", { min: 0 }) })],
    });
    expect(() => decodeMessage("NetParameter", bytes)).toThrow(/layer\[0\]\.clip_param\.max is missing/);
  });
});
