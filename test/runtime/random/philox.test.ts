import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { permutation, philox4x32, randomStream } from "../../../runtime/random/index.js";
import { drawInVectors } from "../../../runtime/random/vector-words.js";

const words = (...v: number[]): string[] => v.map((x) => x.toString(16).padStart(8, "0"));

describe("Philox 4x32-10", () => {
  // Known answers published with Random123 (kat_vectors).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"],
    ],
  ])("agrees with the published answer for counter %j", (counter, key, answer) => {
    const out = new Uint32Array(4);
    philox4x32(out, 0, counter[0]!, counter[1]!, counter[2]!, counter[3]!, key[0]!, key[1]!);
    expect(words(...out)).toEqual(answer);
  });

  it("is a pure function of seed, stream and position", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeNat(), fc.nat(1000), (seed, stream, skip) => {
        const whole = randomStream(seed, stream);
        for (let i = 0; i < skip; i++) whole.word();
        const later = randomStream(seed, stream, skip);
        expect(later.position).toBe(whole.position);
        for (let i = 0; i < 9; i++) expect(later.word()).toBe(whole.word());
      }),
    );
  });

  it.each(["one by one", "in vectors"])("draws many words as it draws single ones: %s", async (how) => {
    if (how === "in vectors") await drawInVectors();
    const start = fc.oneof(fc.nat(9), fc.integer({ min: 2 ** 34 - 9, max: 2 ** 34 + 9 }));
    fc.assert(
      fc.property(
        fc.integer(),
        start,
        fc.array(fc.oneof(fc.nat(13), fc.nat(300), fc.constant(2 ** 15)), { maxLength: 6 }),
        (seed, position, counts) => {
          const [many, single] = [randomStream(seed, 5, position), randomStream(seed, 5, position)];
          for (const count of counts) {
            const drawn = new Uint32Array(count);
            many.words(drawn);
            expect(drawn).toEqual(Uint32Array.from({ length: count }, () => single.word()));
            expect(many.position).toBe(single.position);
            expect(many.word()).toBe(single.word());
          }
        },
      ),
    );
  });

  it("gives different streams for different seeds, negative ones too", () => {
    const first = new Set([-2, -1, 0, 1, 2, 2 ** 32, -(2 ** 32)].map((seed) => randomStream(seed, 0).word()));
    expect(first.size).toBe(7);
  });

  it("draws uniform, integer and gaussian numbers with the right moments", () => {
    const random = randomStream(7, 3);
    const count = 200_000;
    const moments = (draw: () => number): [mean: number, variance: number] => {
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < count; i++) {
        const value = draw();
        sum += value;
        squares += value * value;
      }
      return [sum / count, squares / count - (sum / count) ** 2];
    };
    const [uniformMean, uniformVariance] = moments(random.uniform);
    expect(uniformMean).toBeCloseTo(0.5, 2);
    expect(uniformVariance).toBeCloseTo(1 / 12, 2);
    const [gaussianMean, gaussianVariance] = moments(random.gaussian);
    expect(Math.abs(gaussianMean)).toBeLessThan(0.01);
    expect(Math.abs(gaussianVariance - 1)).toBeLessThan(0.02);
    const seen = new Uint32Array(10);
    for (let i = 0; i < 10_000; i++) seen[random.integer(10)]!++;
    expect(Math.min(...seen)).toBeGreaterThan(850);
  });

  it("permutes", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer(), (count, seed) => {
        const order = [...permutation(randomStream(seed, 0), count)];
        expect(order.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      }),
    );
  });
});
