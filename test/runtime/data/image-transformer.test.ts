import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  compile,
  createImageTransform,
  type ImageTransformOptions,
  readImage,
  readMean,
} from "../../../src/index.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

const folder = mkdtempSync(join(tmpdir(), "cortado-transform-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file as numpy.save writes it. */
function npy(type: string, shape: string, bytes: Uint8Array, fortran = "False"): string {
  const header = `${`{'descr': '${type}', 'fortran_order': ${fortran}, 'shape': (${shape}), }`.padEnd(117)}\n`;
  const path = join(folder, `${type.slice(1)}${fortran}${bytes.length}.npy`);
  writeFileSync(
    path,
    Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00", "latin1"),
      Buffer.of(header.length, 0),
      Buffer.from(header),
      bytes,
    ]),
  );
  return path;
}

describe.skipIf(!hasOracle())("createImageTransform", () => {
  const list = oraclePath("files", "list.txt");
  const names = readFileSync(hasOracle() ? list : "/dev/null", "utf8")
    .trim()
    .split("\n")
    .slice(0, 4)
    .map((line) => line.split(" ")[0]);

  const CASES: readonly (readonly [
    why: string,
    options: ImageTransformOptions,
    data: string,
    transform: string,
  ])[] = [
    ["resized", { size: { height: 24, width: 30 } }, "new_height: 24 new_width: 30", ""],
    [
      "the middle, minus means, times a scale",
      {
        size: { height: 20, width: 20 },
        resize: { height: 24, width: 31 },
        mean: [104, 117, 123],
        scale: 0.017,
      },
      "new_height: 24 new_width: 31",
      "crop_size: 20 mean_value: 104 mean_value: 117 mean_value: 123 scale: 0.017",
    ],
    [
      "one mean",
      { size: { height: 9, width: 9 }, mean: 128, scale: 1 / 256 },
      "new_height: 9 new_width: 9",
      "mean_value: 128 scale: 0.00390625",
    ],
  ];
  it.each(CASES)("makes what ImageData makes: %s", async (_, options, data, transform) => {
    const net = await compile(
      `layer { name: "d" type: "ImageData" top: "data" top: "label" transform_param { ${transform} }
        image_data_param { source: "${list}" batch_size: ${names.length} ${data} } }`,
      { target: "ts", keep: "all" },
    );
    await net.forward();
    const images = await Promise.all(names.map((name) => readImage(join(dirname(list), name))));
    const made = createImageTransform(options)(images);
    expect(made.shape).toEqual(net.blobs["data"].shape);
    const theirs = await net.read("data");
    expect(made.data).toEqual(theirs);
    await net.close();
  });

  it("makes what ImageData makes: a mean image, which a data layer reads as NumPy's, too", async () => {
    const mean = npy(
      "<f4",
      "3, 24, 30",
      new Uint8Array(Float32Array.from({ length: 2160 }, (_, i) => i / 10).buffer),
    );
    const net = await compile(
      `layer { name: "d" type: "ImageData" top: "data" top: "label"
        transform_param { crop_size: 20 mean_file: "${mean}" }
        image_data_param { source: "${list}" batch_size: 1 new_height: 24 new_width: 30 } }`,
      { target: "ts", keep: "all" },
    );
    await net.forward();
    const options = {
      size: { height: 20, width: 20 },
      resize: { height: 24, width: 30 },
      mean: await readMean(mean),
    };
    const { data } = createImageTransform(options)([await readImage(join(dirname(list), names[0]))]);
    expect(data).toEqual(await net.read("data"));
    await net.close();
  });
});

/** Pixels that tell where they come from: channel, row, column. */
const picture = (height: number, width: number) => ({
  ...{ channels: 3, height, width },
  data: Uint8Array.from({ length: 3 * height * width }, (_, i) => i),
});

describe("a transform", () => {
  const size = { height: 2, width: 2 };
  const resize = { height: 4, width: 4 };
  const at = (c: number, y: number, x: number): number => (c * 4 + y) * 4 + x;

  it("takes corners and the middle, then the same mirrored", () => {
    const { shape, data } = createImageTransform({ size, resize, oversample: true })([picture(4, 4)]);
    expect(shape).toEqual([10, 3, 2, 2]);
    const first = Array.from({ length: 10 }, (_, i) => data[12 * i]);
    const corners = [at(0, 0, 0), at(0, 0, 2), at(0, 2, 0), at(0, 2, 2), at(0, 1, 1)];
    expect(first).toEqual([...corners, ...corners.map((corner) => corner + 1)]);
  });

  it("takes a middle that lies a little up and left where it cannot lie in the middle", () => {
    const { data } = createImageTransform({ size, resize: { height: 5, width: 7 } })([picture(5, 7)]);
    expect(data[0]).toBe(7 + 2);
  });

  it("turns the order of colours, and not means with them", () => {
    const options = { size, resize, mean: [1, 2, 3] };
    const blue = createImageTransform(options)([picture(4, 4)]).data;
    const red = createImageTransform({ ...options, order: "RGB" })([picture(4, 4)]).data;
    expect([...red]).toEqual([...blue.slice(8), ...blue.slice(4, 8), ...blue.slice(0, 4)]);
    expect(blue[0]).toBe(at(0, 1, 1) - 1);
    expect(blue[8]).toBe(at(2, 1, 1) - 3);
  });

  it("subtracts a mean image, as large as the whole", () => {
    const whole = {
      shape: [3, 4, 4] as const,
      data: Float32Array.from({ length: 48 }, (_, i) => i),
      channels: [0, 0, 0],
    };
    expect([...createImageTransform({ size, resize, mean: whole })([picture(4, 4)]).data]).toEqual(
      new Array(12).fill(0),
    );
  });

  it.each([
    ["a part larger than the whole", { size: resize, resize: size }, "have no part of 4×4"],
    ["too few means", { size, mean: [1, 2] }, "there are 2 means, and images have 3 channels"],
    [
      "a mean image of another size",
      { size, mean: { shape: [3, 7, 7] as const, data: new Float32Array(147), channels: [0, 0, 0] } },
      "the mean image is 3×7×7, and images are 3×2×2",
    ],
    ["no size", {} as never, "option size"],
  ])("refuses %s", (_, options, message) => {
    expect(() => createImageTransform(options)([picture(4, 4)])).toThrow(message);
  });

  it("refuses what is no image, and images that make no batch", () => {
    const transform = createImageTransform({ size });
    expect(() => transform([])).toThrow("images");
    expect(() => transform([{ ...picture(2, 2), width: 3 }])).toThrow("an image, as readImage gives it");
    const gray = { channels: 1, height: 2, width: 2, data: new Uint8Array(4) };
    expect(() => transform([picture(2, 2), gray])).toThrow("images of 3 and of 1 channels make no batch");
  });
});

describe("readMean", () => {
  const values = [1, 2, 3, 4, 5, 6];

  it.skipIf(!hasOracle())("reads a binaryproto", async () => {
    const { shape, channels } = await readMean(oraclePath("files", "mean.binaryproto"));
    expect(shape).toEqual([1, 28, 28]);
    expect(channels[0]).toBeGreaterThan(20);
  });

  it("reads NumPy's arrays", async () => {
    for (const [type, numbers] of [
      ["<f4", Float32Array.from(values)],
      ["<f8", Float64Array.from(values)],
      ["|u1", Uint8Array.from(values)],
    ] as const) {
      const bytes = new Uint8Array(numbers.buffer);
      const mean = await readMean(npy(type, "3, 1, 2", bytes));
      expect([mean.shape, [...mean.data], mean.channels]).toEqual([[3, 1, 2], values, [1.5, 3.5, 5.5]]);
    }
  });

  it("says what it does not read", async () => {
    const bytes = new Uint8Array(24);
    await expect(readMean(npy("<f4", "3, 1, 2", bytes, "True"))).rejects.toThrow(
      "an array of another kind".replace("an", "a NumPy"),
    );
    await expect(readMean(npy(">f4", "3, 1, 2", bytes))).rejects.toThrow("a NumPy array of another kind");
    await expect(readMean(npy("<f4", "3, 1, 9", bytes))).rejects.toThrow("is cut short");
    await expect(readMean(npy("<f4", "6,", bytes.slice(0)))).rejects.toThrow(
      "has 6 values for the shape 6 (channels×height×width)",
    );
    await expect(readMean(join(folder, "none.npy"))).rejects.toThrow("none.npy");
  });
});
