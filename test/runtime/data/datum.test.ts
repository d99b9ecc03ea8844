import { describe, expect, it } from "vitest";
import { type Datum, encodeMessage } from "../../../proto/index.js";
import { decodeDatum } from "../../../runtime/data/datum.js";
import { mistakeOf } from "../../support/feeds.js";

const decode = (datum: Partial<Datum>) =>
  decodeDatum(encodeMessage("Datum", datum), () => "record 5 of x_lmdb");
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

describe("Datum", () => {
  it("holds bytes", () => {
    expect(decode({ channels: 1, height: 1, width: 3, data: bytes(1, 2, 255), label: 4 })).toEqual({
      channels: 1,
      height: 1,
      width: 3,
      data: bytes(1, 2, 255),
      label: 4,
    });
  });

  it("holds floats in their place", () => {
    const { data } = decode({ channels: 2, height: 1, width: 1, float_data: Float32Array.of(0.5, -2) }) as {
      data: Float32Array;
    };
    expect([...data]).toEqual([0.5, -2]);
  });

  it("holds an encoded image", () => {
    expect(decode({ encoded: true, data: bytes(9, 9), label: 3 })).toEqual({
      encoded: bytes(9, 9),
      label: 3,
    });
  });

  it.each<[string, Partial<Datum>, RegExp]>([
    [
      "too few bytes",
      { channels: 3, height: 2, width: 2, data: bytes(1, 2) },
      /record 5 of x_lmdb has 2 values for 3 × 2 × 2/,
    ],
    [
      "too many floats",
      { channels: 1, height: 1, width: 1, float_data: Float32Array.of(1, 2) },
      /has 2 values for 1 × 1 × 1/,
    ],
    ["no values", { channels: 1, height: 1, width: 1 }, /has 0 values for 1 × 1 × 1/],
    [
      "negative extents",
      { channels: -1, height: -1, width: 2, data: bytes(1, 2) },
      /has 2 values for -1 × -1 × 2/,
    ],
    [
      "an encoded image without its flag",
      { data: bytes(0xff, 0xd8, 1), label: 1 },
      /encoded image whose `encoded` is not set/,
    ],
  ])("%s", async (_, datum, expected) => {
    expect((await mistakeOf(() => decode(datum)))?.message).toMatch(expected);
  });

  it("is not every string of bytes", async () => {
    for (const hostile of [bytes(0xff, 0xff, 0xff), bytes(0x22, 0xff, 0xff, 0xff, 0xff, 0x07), bytes(0x08)])
      expect((await mistakeOf(() => decodeDatum(hostile, () => "record 5")))?.message).toMatch(/record 5/);
  });
});
