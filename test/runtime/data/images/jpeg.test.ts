import fc from "fast-check";
import sharp, { type JpegOptions } from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../../../runtime/data/image.js";
import { readJpegHeader } from "../../../../runtime/data/images/jpeg.js";

const WIDTH = 16;
const pixels = Buffer.from(
  Array.from({ length: WIDTH * WIDTH * 3 }, (_, i) => (i % 3 === 0 ? i * 7 : i * 13) & 255),
);
const jpeg = (options: JpegOptions = {}): Promise<Buffer> =>
  sharp(pixels, { raw: { width: WIDTH, height: WIDTH, channels: 3 } })
    .jpeg({ chromaSubsampling: "4:4:4", quality: 100, ...options })
    .toBuffer();

describe("a JPEG read as grey", () => {
  it.each([
    ["baseline", {}],
    ["progressive", { progressive: true }],
    ["with smaller colour planes", { chromaSubsampling: "4:2:0" }],
  ])("is the brightness it holds, near that of its colours: %s", async (_, options) => {
    const file = await jpeg(options);
    const gray = await decodeImage(file, "gray", "it");
    const color = await decodeImage(file, "color", "it");
    expect([gray.channels, gray.height, gray.width]).toEqual([1, WIDTH, WIDTH]);
    const area = WIDTH * WIDTH;
    const errors = Array.from(gray.data, (value, i) => {
      const [blue, green, red] = [0, 1, 2].map((c) => color.data[c * area + i]);
      // Colours that had to be clamped have lost brightness.
      if ([blue, green, red].some((part) => part === 0 || part === 255)) return 0;
      return Math.abs(value - (0.299 * red + 0.587 * green + 0.114 * blue));
    });
    expect(Math.max(...errors)).toBeLessThan(1);
  });

  it("what has no such brightness is left alone", async () => {
    const gray = await sharp(pixels, { raw: { width: 3 * WIDTH, height: WIDTH, channels: 1 } })
      .toColourspace("b-w")
      .jpeg()
      .toBuffer();
    const png = await sharp(pixels, { raw: { width: WIDTH, height: WIDTH, channels: 3 } })
      .png()
      .toBuffer();
    const brightness = [gray, png, Buffer.alloc(0)].map((file) => readJpegHeader(file)?.brightnessFirst);
    expect(brightness).toEqual([undefined, undefined, undefined]);
    // Marked as red, green and blue already.
    const marked = readJpegHeader(await jpeg())!.brightnessFirst!;
    expect(readJpegHeader(marked)).toEqual({ orientation: 1, isRgb: true, hasEnd: true });
  });

  it("damaged files end, too", async () => {
    const file = await jpeg();
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(file);
        damaged[at] = byte;
        readJpegHeader(damaged);
        readJpegHeader(damaged.subarray(0, at));
      }),
    );
  });
});
