import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecodedImage } from "../../../runtime/data/image.js";
import { cutOut, resizeBilinear } from "../../../runtime/data/resize.js";

const gray = (rows: readonly (readonly number[])[]): DecodedImage => ({
  channels: 1,
  height: rows.length,
  width: rows[0].length,
  data: Uint8Array.from(rows.flat()),
});

const image = fc
  .record({
    channels: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 9 }),
  })
  .chain((extents) => {
    const length = extents.channels * extents.height * extents.width;
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data): DecodedImage => ({ ...extents, data }));
  });
const extent = fc.integer({ min: 1, max: 24 });

/** The same rule in real numbers. */
function exact({ height, width, data }: DecodedImage, plane: number, y: number, x: number): number {
  const clamp = (at: number, most: number): number => Math.min(Math.max(at, 0), most - 1);
  const [row, column] = [Math.floor(y), Math.floor(x)];
  const at = (i: number, j: number): number =>
    data[(plane * height + clamp(i, height)) * width + clamp(j, width)];
  const [v, u] = [y - row, x - column];
  return (
    (1 - v) * ((1 - u) * at(row, column) + u * at(row, column + 1)) +
    v * ((1 - u) * at(row + 1, column) + u * at(row + 1, column + 1))
  );
}

describe("bilinear resize", () => {
  it("rounds weights that are a half to the even one", () => {
    // 1 → 2048 of 3: position (2i + 1) · 3 / 4096 − ½, so every fraction is an odd number of 4096ths: k + ½ of 2048.
    const wide = resizeBilinear(gray([[0, 255, 0]]), 1, 2048).data;
    const even = (twice: number): number => (twice - 1 + 2 * (((twice - 1) / 2) % 2)) / 2;
    for (let i = 342; i < 1706; i++) {
      const at = (2 * i + 1) * 3 - 2048;
      const first = Math.floor(at / 4096);
      const part = at - 4096 * first;
      const sum = first === 0 ? 255 * even(part) : 255 * even(4096 - part);
      // A single row is weighted with the whole of 2048.
      expect(wide[i]).toBe((((2048 * (sum >> 4)) >> 16) + 2) >> 2);
    }
  });

  it.each([
    ["one row wider", [[0, 255]], 1, 4, [0, 64, 191, 255]],
    ["one row narrower, without antialiasing", [[10, 20, 90, 100, 7, 9]], 1, 2, [20, 7]],
    [
      "half the size: the mean of four",
      [
        [0, 4, 100, 104],
        [8, 12, 108, 112],
      ],
      1,
      2,
      [6, 106],
    ],
    ["one pixel fills all", [[77]], 2, 3, [77, 77, 77, 77, 77, 77]],
  ])("%s", (_, rows, height, width, expected) => {
    expect([...resizeBilinear(gray(rows), height, width).data]).toEqual(expected);
  });

  it("is the real-valued rule, to a little more than rounding", () => {
    fc.assert(
      fc.property(image, extent, extent, (input, height, width) => {
        const out = resizeBilinear(input, height, width);
        expect([out.channels, out.height, out.width]).toEqual([input.channels, height, width]);
        for (let c = 0; c < input.channels; c++)
          for (let i = 0; i < height; i++)
            for (let j = 0; j < width; j++) {
              const y = ((i + 0.5) * input.height) / height - 0.5;
              const x = ((j + 0.5) * input.width) / width - 0.5;
              const found = out.data[(c * height + i) * width + j];
              expect(Math.abs(found - exact(input, c, y, x))).toBeLessThan(1.3);
            }
      }),
    );
  });

  it("to its own size, an image stays as it is", () => {
    fc.assert(
      fc.property(image, (input) => {
        expect(resizeBilinear(input, input.height, input.width)).toEqual(input);
      }),
    );
  });
});

it("a part is cut out of every channel", () => {
  const input: DecodedImage = {
    channels: 2,
    height: 3,
    width: 3,
    data: Uint8Array.from({ length: 18 }, (_, i) => i),
  };
  expect([...cutOut(input, 1, 0, 2, 2).data]).toEqual([3, 4, 6, 7, 12, 13, 15, 16]);
});
