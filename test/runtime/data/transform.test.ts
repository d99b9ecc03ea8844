import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../../proto/index.js";
import type { TransformSpec } from "../../../runtime/data/feed-spec.js";
import type { PlainRecord } from "../../../runtime/data/records.js";
import { createTransformer } from "../../../runtime/data/transform.js";
import { randomStream } from "../../../runtime/random/index.js";
import { mistakeOf, recordsSpec } from "../../support/feeds.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();

/** Two channels of 3 × 4: value 100 · channel + 10 · row + column. */
const record: PlainRecord = {
  channels: 2,
  height: 3,
  width: 4,
  label: 1,
  data: Uint8Array.from(
    { length: 24 },
    (_, i) => 100 * Math.floor(i / 12) + 10 * (Math.floor(i / 4) % 3) + (i % 4),
  ),
};

async function transformerOf(change: Partial<TransformSpec>, phase: "TRAIN" | "TEST" = "TEST", seed = 1) {
  const spec = recordsSpec("", { transform: change }).transform;
  return createTransformer(spec, { phase, root: scratch.path, random: randomStream(seed, 0) });
}

async function transformed(
  change: Partial<TransformSpec>,
  phase: "TRAIN" | "TEST" = "TEST",
  seed = 1,
  of = record,
): Promise<readonly number[]> {
  const transformer = await transformerOf(change, phase, seed);
  const shape = transformer.shapeOf([of.channels, of.height, of.width], "the record");
  // A margin on both sides: nothing else may be written.
  const out = new Float32Array(shape[0] * shape[1] * shape[2] + 2).fill(-1);
  transformer.apply(of, out, 1, "the record");
  expect([out[0], out.at(-1)]).toEqual([-1, -1]);
  return [...out.subarray(1, -1)];
}

const meanFile = (
  name: string,
  shape: readonly number[],
  data: readonly number[],
  legacy = false,
): string => {
  const [channels, height, width] = shape.slice(-3);
  const extents = legacy ? { num: 1, channels, height, width } : { shape: { dim: [...shape] } };
  return scratch.file(name, encodeMessage("BlobProto", { ...extents, data: Float32Array.from(data) }));
};

describe("values", () => {
  it("nothing asked for: the values as they are", async () => {
    expect(await transformed({})).toEqual([...record.data]);
  });

  it("(value − mean) · scale, in float32", async () => {
    expect(await transformed({ scale: 0.5, meanValues: [3] })).toEqual(
      [...record.data].map((v) => (v - 3) / 2),
    );
    expect(await transformed({ scale: 0.00390625, meanValues: [0.1] })).toEqual(
      [...record.data].map((v) => Math.fround(Math.fround(v - Math.fround(0.1)) * 0.00390625)),
    );
  });

  it("a mean for each channel", async () => {
    expect(await transformed({ meanValues: [1, 100] })).toEqual(
      [...record.data].map((v, i) => v - (i < 12 ? 1 : 100)),
    );
  });

  it.each([
    ["as a shape", [1, 2, 3, 4], false],
    ["of three axes", [2, 3, 4], false],
    ["in the old form", [1, 2, 3, 4], true],
  ])("a mean image %s, cropped with the record", async (_, shape, legacy) => {
    const mean = Array.from({ length: 24 }, (_, i) => i / 4);
    const file = meanFile("mean.binaryproto", shape, mean, legacy);
    expect(await transformed({ meanFile: "mean.binaryproto" })).toEqual(
      [...record.data].map((v, i) => v - mean[i]),
    );
    expect(await transformed({ meanFile: file, cropSize: 1 })).toEqual([11 - 5 / 4, 111 - 17 / 4]);
  });

  it("a mean image in float64", async () => {
    const file = scratch.file(
      "double.binaryproto",
      encodeMessage("BlobProto", {
        shape: { dim: [2, 3, 4] },
        double_data: Float64Array.from({ length: 24 }, () => 0.5),
      }),
    );
    expect(await transformed({ meanFile: file })).toEqual([...record.data].map((v) => v - 0.5));
  });

  it("values that are floats", async () => {
    const data = Float32Array.of(0.5, -1.25, 1e10, 3);
    const floats: PlainRecord = { channels: 1, height: 2, width: 2, label: 0, data };
    expect(await transformed({ scale: 2 }, "TEST", 1, floats)).toEqual([...data].map((v) => 2 * v));
  });
});

describe("crop and mirror", () => {
  it("TEST crops the centre, rounded towards the top left", async () => {
    expect(await transformed({ cropSize: 2 })).toEqual([1, 2, 11, 12, 101, 102, 111, 112]);
    expect(await transformed({ cropSize: 3 })).toEqual(
      [0, 1, 2, 10, 11, 12, 20, 21, 22]
        .flatMap((v) => [v])
        .concat([100, 101, 102, 110, 111, 112, 120, 121, 122]),
    );
  });

  it("TRAIN crops reach every offset and stay inside the record", async () => {
    const seen = new Map<number, number>();
    for (let seed = 0; seed < 300; seed++) {
      const [a, b, c, d, ...second] = await transformed({ cropSize: 2 }, "TRAIN", seed);
      expect([b, c, d]).toEqual([a + 1, a + 10, a + 11]);
      expect(second).toEqual([a, b, c, d].map((v) => v + 100));
      seen.set(a, (seen.get(a) ?? 0) + 1);
    }
    // Rows 0 and 1, columns 0 to 2, each about 50 times.
    expect([...seen.keys()].sort((x, y) => x - y)).toEqual([0, 1, 2, 10, 11, 12]);
    expect(Math.min(...seen.values())).toBeGreaterThan(25);
  });

  it("a crop as large as the record is the record", async () => {
    const square: PlainRecord = {
      ...record,
      channels: 1,
      height: 2,
      width: 2,
      data: record.data.subarray(0, 4),
    };
    expect(await transformed({ cropSize: 2 }, "TRAIN", 5, square)).toEqual([0, 1, 2, 3]);
  });

  it("a mirror is tossed for in both phases; the mean goes with its pixel", async () => {
    const mirrored = [3, 2, 1, 0, 13, 12, 11, 10, 23, 22, 21, 20];
    const both = [...mirrored, ...mirrored.map((v) => v + 100)];
    for (const phase of ["TRAIN", "TEST"] as const) {
      let flipped = 0;
      for (let seed = 0; seed < 200; seed++) {
        const values = await transformed({ mirror: true }, phase, seed);
        if (values[0] === 3) flipped++;
        expect(values).toEqual(values[0] === 3 ? both : [...record.data]);
      }
      expect(flipped).toBeGreaterThan(60);
      expect(flipped).toBeLessThan(140);
    }
    const file = meanFile("pixels.binaryproto", [1, 2, 3, 4], [...record.data]);
    for (let seed = 0; seed < 8; seed++)
      expect(await transformed({ mirror: true, meanFile: file }, "TRAIN", seed)).toEqual(
        new Array(24).fill(0),
      );
  });

  it("the same stream gives the same crops", async () => {
    const draw = async () => {
      const transformer = await transformerOf({ cropSize: 1, mirror: true }, "TRAIN", 7);
      return Array.from({ length: 20 }, () => {
        const out = new Float32Array(2);
        transformer.apply(record, out, 0, "the record");
        return [...out];
      });
    };
    expect(await draw()).toEqual(await draw());
  });
});

describe("what does not fit", () => {
  it.each<[string, Partial<TransformSpec>, RegExp]>([
    [
      "a crop larger than the record",
      { cropSize: 4 },
      /crop_size 4 is larger than the record, which is 3 × 4/,
    ],
    [
      "too many means",
      { meanValues: [1, 2, 3] },
      /mean_value is given 3 times, and the record has 2 channels/,
    ],
    [
      "a mean image that is missing",
      { meanFile: "absent" },
      /the mean file "absent" is not there; looked for/,
    ],
  ])("%s", async (_, change, expected) => {
    expect((await mistakeOf(() => transformed(change)))?.message).toMatch(expected);
  });

  it.each([
    ["of another shape", [2, 4, 3], 24, /the mean image has the shape 2×4×3, and the record has 2×3×4/],
    ["with too few values", [2, 3, 4], 23, /has 23 values for the shape 2×3×4/],
    ["of two axes", [3, 4], 12, /has 12 values for the shape 3×4/],
    ["of several images", [2, 2, 3, 4], 48, /has 48 values for the shape 2×3×4/],
    ["that is empty", [0, 0, 0], 0, /holds no image\n {2}a mean file is a BlobProto/],
  ])("a mean image %s", async (_, shape, count, expected) => {
    const file = meanFile("odd.binaryproto", shape, new Array<number>(count).fill(0));
    expect((await mistakeOf(() => transformed({ meanFile: file })))?.message).toMatch(expected);
  });

  it("a mean image that is no such file, or a folder", async () => {
    const text = scratch.file("mean.txt", "104, 117, 123\n");
    expect((await mistakeOf(() => transformed({ meanFile: text })))?.message).toMatch(
      /the mean file ".*mean\.txt"/,
    );
    expect((await mistakeOf(() => transformed({ meanFile: scratch.path })))?.message).toMatch(
      /is not a file/,
    );
  });
});
