import { describe, expect, it } from "vitest";
import { copyValues } from "../../runtime/copy-values.js";

const values = (length: number): number[] => Array.from({ length }, (_, i) => i % 4099);

describe("values copied into shared memory", () => {
  it.each([
    [0, 0],
    [0, 4],
    [4, 0],
    [4, 4],
  ])("are the same where the memory begins at byte %i, and they at byte %i", (into, from) => {
    for (const length of [0, 1, 8191, 8192, 8193, 30_001]) {
      const given = new Float32Array(new ArrayBuffer(4 * length + 8), from, length);
      given.set(values(length));
      const whole = new Float32Array(new SharedArrayBuffer(4 * length + 16)).fill(-1);
      copyValues(whole.subarray(into / 4, into / 4 + length), given);
      expect([...whole.subarray(into / 4, into / 4 + length)]).toEqual([...given]);
      // Nothing is written beside them.
      expect([...whole.subarray(0, into / 4), ...whole.subarray(into / 4 + length)]).toEqual(
        Array(4).fill(-1),
      );
    }
  });

  it("are refused where they are more than fit", () => {
    const given = new Float32Array(new ArrayBuffer(4 * 9000 + 4), 4, 9000);
    expect(() => copyValues(new Float32Array(new SharedArrayBuffer(4 * 8999)), given)).toThrow(RangeError);
  });

  it("of other types are converted", () => {
    const into = new Float32Array(new SharedArrayBuffer(12));
    copyValues(into, [1, 2.5, -3]);
    expect([...into]).toEqual([1, 2.5, -3]);
  });
});
