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

describe("what is no image", () => {
  it.each([
    ["nothing", () => Buffer.alloc(0)],
    ["text", () => Buffer.from("not an image")],
    ["a PNG cut short", async () => (await png(3, RGB)).subarray(0, 50)],
  ])("%s", async (_, make) => {
    const file = await make();
    const mistake = await mistakeOf(() => decodeImage(file, "native", 'record "7"'));
    expect(mistake?.message).toMatch(/cannot decode record "7"/);
  });
});
