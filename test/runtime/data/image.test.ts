import { crc32 } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type ColorMode, decodeImage } from "../../../runtime/data/image.js";
import { mistakeOf } from "../../support/feeds.js";

/** A PNG of 2 × 1 pixels from interleaved samples. */
const png = (channels: 1 | 2 | 3 | 4, samples: readonly number[]): Promise<Buffer> => {
  const image = sharp(Uint8Array.from(samples), { raw: { width: 2, height: 1, channels } });
  return (channels <= 2 ? image.toColourspace("b-w") : image).png().toBuffer();
};

const GRAY = [10, 200];
const RGB = [255, 0, 10, 0, 128, 20];
const RGBA = [255, 0, 10, 7, 0, 128, 20, 255];
const RGB_AS_GRAY = [Math.round(0.299 * 255 + 0.114 * 10), Math.round(0.587 * 128 + 0.114 * 20)];

describe("planes: blue, green, red", () => {
  it.each<[string, 1 | 2 | 3 | 4, readonly number[], ColorMode, number, readonly number[]]>([
    ["grey as it is", 1, GRAY, "native", 1, GRAY],
    ["grey as colour", 1, GRAY, "color", 3, [...GRAY, ...GRAY, ...GRAY]],
    ["grey as grey", 1, GRAY, "gray", 1, GRAY],
    ["grey with alpha as it is", 2, [10, 7, 200, 255], "native", 4, [...GRAY, ...GRAY, ...GRAY, 7, 255]],
    ["grey with alpha as grey", 2, [10, 7, 200, 255], "gray", 1, GRAY],
    ["colour as it is", 3, RGB, "native", 3, [10, 20, 0, 128, 255, 0]],
    ["colour as colour", 3, RGB, "color", 3, [10, 20, 0, 128, 255, 0]],
    ["colour as grey", 3, RGB, "gray", 1, RGB_AS_GRAY],
    ["alpha as it is", 4, RGBA, "native", 4, [10, 20, 0, 128, 255, 0, 7, 255]],
    ["alpha as colour", 4, RGBA, "color", 3, [10, 20, 0, 128, 255, 0]],
    ["alpha as grey", 4, RGBA, "gray", 1, RGB_AS_GRAY],
  ])("%s", async (_, stored, samples, mode, channels, expected) => {
    const image = await decodeImage(await png(stored, samples), mode, "the image");
    expect([image.channels, image.height, image.width]).toEqual([channels, 1, 2]);
    expect([...image.data]).toEqual(expected);
  });

  it("16 bits a sample become 8: the high ones", async () => {
    const deep = (channels: 1 | 3, samples: readonly number[]) =>
      sharp(Uint16Array.from(samples), { raw: { width: 2, height: 1, channels } })
        .toColourspace(channels === 1 ? "grey16" : "rgb16")
        .png()
        .toBuffer();
    const gray = await decodeImage(await deep(1, [0x1234, 0xff80]), "native", "the image");
    expect([...gray.data]).toEqual([0x12, 0xff]);
    const color = await decodeImage(
      await deep(3, [0x0100, 0x0200, 0x0300, 0x4000, 0x50ff, 0xff00]),
      "native",
      "the image",
    );
    expect([...color.data]).toEqual([3, 0xff, 2, 0x50, 1, 0x40]);
  });

  it("a palette is looked up", async () => {
    const file = await sharp(Uint8Array.from(RGB), { raw: { width: 2, height: 1, channels: 3 } })
      .png({ palette: true })
      .toBuffer();
    expect([...(await decodeImage(file, "native", "the image")).data]).toEqual([10, 20, 0, 128, 255, 0]);
  });
});

const bmpOf = (width: number, height: number): Buffer => {
  const file = Buffer.alloc(54);
  file.write("BM");
  file.writeUInt32LE(54, 10);
  for (const [value, at] of [
    [40, 14],
    [width, 18],
    [height, 22],
  ] as const)
    file.writeInt32LE(value, at);
  file.writeUInt16LE(24, 28);
  return file;
};
/** A PNG of another size than it has pixels for. */
const pngOf = async (width: number, height: number): Promise<Buffer> => {
  const file = Buffer.from(await png(3, RGB));
  file.writeUInt32BE(width, 16);
  file.writeUInt32BE(height, 20);
  file.writeUInt32BE(crc32(file.subarray(12, 29)), 29);
  return file;
};

describe("what is not read", () => {
  it.each<[string, () => Uint8Array | Promise<Uint8Array>, RegExp]>([
    ["nothing", () => Buffer.alloc(0), /it is empty, not an image/],
    [
      "a web page",
      () => Buffer.from("<!DOCTYPE html>"),
      /it is a web page \(a failed download\?\), not an image/,
    ],
    ["text", () => Buffer.from("a picture"), /it is no image, but a text that begins with "a picture"/],
    ["bytes", () => Buffer.from([1, 2, 3, 4]), /it is no image\n {2}read are JPEG, PNG, BMP, .*JPEG 2000$/],
    ["a PNG cut short", async () => (await png(3, RGB)).subarray(0, 50), /record "7": /],
    [
      "SVG",
      () => Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"/>`),
      /files of the format SVG are not read/,
    ],
    ["SVG after a comment", () => Buffer.from("<?xml version='1.0'?><!-- x -->\n<svg/>"), /the format SVG/],
    ["GIF", () => Buffer.from("GIF89a"), /files of the format GIF are not read/],
    ["PDF", () => Buffer.from("%PDF-1.4"), /it is a PDF document, not an image/],
    ["a BMP larger than its file", () => bmpOf(10_000, 10_000), /it is cut short: pixels are missing/],
    [
      "more pixels than the limit",
      () => bmpOf(16_384, 8_193),
      /it is 8193 × 16384 .*at most 134,217,728 pixels/,
    ],
    ["a side beyond the limit", () => pngOf(2 ** 20 + 1, 1), /it is 1 × 1048577 .*1,048,576 on a side/],
    [
      "a PNG beyond the limit",
      () => pngOf(20_000, 20_000),
      /it is 20000 × 20000 .*at most 134,217,728 pixels/,
    ],
    [
      "a PPM beyond the limit",
      () => Buffer.from("P6 2147483647 2147483647 255\n"),
      /at most 134,217,728 pixels/,
    ],
    ["a PBM without pixels", () => Buffer.from("P4 0 5\n"), /it has no pixels/],
  ])("%s", async (_, make, expected) => {
    const file = await make();
    const mistake = await mistakeOf(() => decodeImage(file, "native", 'record "7"'));
    expect(mistake?.message).toMatch(/^error: cannot decode record "7": /);
    expect(mistake?.message).toMatch(expected);
  });
});
