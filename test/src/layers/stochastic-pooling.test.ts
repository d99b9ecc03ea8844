/** Pooling STOCHASTIC: what it draws, how often, and where the gradient goes. */
import { describe, expect, it } from "vitest";
import { compile } from "../../../src/index.js";
import { deviceTargets } from "../../support/device-targets.js";

const net = (extent: number, settings: string, phase = ""): string => `force_backward: true
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 dim: ${extent} dim: ${extent} } } }
layer { name: "p" type: "Pooling" bottom: "x" top: "y" ${phase} pooling_param { pool: STOCHASTIC ${settings} } }`;

/** What each window gave, run by run. */
async function draws(
  extent: number,
  settings: string,
  x: Float32Array,
  runs: number,
): Promise<Float32Array[]> {
  const compiled = await compile(net(extent, settings), { phase: "TRAIN", target: "ts" });
  const found: Float32Array[] = [];
  for (let run = 0; run < runs; run++) found.push((await compiled.forward({ x })).y.slice());
  await compiled.close();
  return found;
}

describe("TRAIN", () => {
  it("each value comes as often as its share of the window says", async () => {
    const x = Float32Array.of(1, 0, 2, 3, 0, 4, 0, 5, 1);
    const runs = 4000;
    const counts = new Map<number, number>();
    for (const [y] of await draws(3, "kernel_size: 3", x, runs)) counts.set(y, (counts.get(y) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5]);
    const sum = x.reduce((a, b) => a + b);
    for (const [value, share] of [
      [1, 2],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ]) {
      const p = share / sum;
      // Five standard deviations.
      const spread = 5 * Math.sqrt((p * (1 - p)) / runs);
      expect(Math.abs(counts.get(value)! / runs - p)).toBeLessThan(spread);
    }
  });

  it("windows that overlap draw independently of one another", async () => {
    // Two windows of 3×3 at stride 2 share one column of three; all weights are equal, the values tell positions.
    const x = Float32Array.from({ length: 25 }, (_, i) => 1000 + i);
    const runs = 6000;
    const found = await draws(5, "kernel_size: 3 stride: 2", x, runs);
    expect(found[0].length).toBe(4);
    const shared = new Set([2, 7, 12]);
    const both = found.filter(([a, b]) => a === b && shared.has(a - 1000)).length / runs;
    // With one random number for each value, whatever its window, it would be 3/15.
    const alone = 3 * (1 / 9) ** 2;
    expect(Math.abs(both - alone)).toBeLessThan(5 * Math.sqrt((alone * (1 - alone)) / runs));
    for (const [a, b, c, d] of found) {
      const inside = (value: number, top: number, left: number): boolean => {
        const [row, column] = [Math.floor((value - 1000) / 5), (value - 1000) % 5];
        return row >= top && row < top + 3 && column >= left && column < left + 3;
      };
      expect([inside(a, 0, 0), inside(b, 0, 2), inside(c, 2, 0), inside(d, 2, 2)]).toEqual([
        true,
        true,
        true,
        true,
      ]);
    }
  });

  it("the value that was drawn gets the gradient, and what is drawn twice gets both", async () => {
    const compiled = await compile(net(5, "kernel_size: 3 stride: 1"), { phase: "TRAIN", target: "ts" });
    const x = Float32Array.from({ length: 25 }, (_, i) => i + 1);
    for (let run = 0; run < 20; run++) {
      const { y } = await compiled.forward({ x });
      const diff = Float32Array.from(y, (_, i) => 1 + i / 16);
      const { inputs } = await compiled.backward({ y: diff });
      const expected = new Float32Array(25);
      for (const [window, value] of y.entries()) expected[value - 1] += diff[window];
      expect(inputs.x).toEqual(expected);
    }
    await compiled.close();
  });

  it("is the same for the same seed, and new at each step", async () => {
    const x = Float32Array.from({ length: 64 }, (_, i) => i + 1);
    const one = await draws(8, "kernel_size: 2 stride: 2", x, 4);
    expect(await draws(8, "kernel_size: 2 stride: 2", x, 4)).toEqual(one);
    expect(new Set(one.map(String)).size).toBe(4);
  });

  it("a window of zeros gives zero; clipped windows and the whole image work", async () => {
    expect(await draws(2, "kernel_size: 2", new Float32Array(4), 2)).toEqual([
      Float32Array.of(0),
      Float32Array.of(0),
    ]);
    const x = Float32Array.from({ length: 9 }, (_, i) => i + 1);
    const [clipped] = await draws(3, "kernel_size: 2 stride: 2", x, 1);
    expect(clipped.length).toBe(4);
    expect(clipped[3]).toBe(9);
    const [whole] = await draws(3, "global_pooling: true", x, 1);
    expect(x).toContain(whole[0]);
  });
});

describe("TEST", () => {
  it("is the mean of a window's values, each weighted by itself; of nothing, 0", async () => {
    const compiled = await compile(net(4, "kernel_size: 2 stride: 2"), { phase: "TEST", target: "ts" });
    const x = Float32Array.of(1, 2, 0, 0, 3, 4, 0, 0, 5, 0, 1, 1, 0, 0, 1, 1);
    const { y } = await compiled.forward({ x });
    expect([...y]).toEqual([3, 0, 5, 1]);
    const { inputs } = await compiled.backward({ y: Float32Array.of(1, 1, 1, 1) });
    // d/dxᵢ of Σx²/Σx is (2xᵢ − y) / Σx.
    expect(inputs.x[0]).toBeCloseTo((2 - 3) / 10, 6);
    expect(inputs.x[5]).toBeCloseTo((8 - 3) / 10, 6);
    expect([...inputs.x.subarray(2, 4)]).toEqual([0, 0]);
    await compiled.close();
  });
});

const targets = ["wasm", ...(await deviceTargets())] as const;

describe("on a device", () => {
  it.each(targets.flatMap((target) => (["TRAIN", "TEST"] as const).map((phase) => [target, phase] as const)))(
    "%s draws the same, %s",
    async (target, phase) => {
      const text = net(9, "kernel_size: 3 stride: 2");
      const x = Float32Array.from({ length: 81 }, (_, i) => (i * 7) % 23);
      const results = await Promise.all(
        (["ts", target] as const).map(async (name) => {
          const compiled = await compile(text, { phase, target: name, seed: 5 });
          const { y } = await compiled.forward({ x });
          const { inputs } = await compiled.backward({ y: Float32Array.from(y, (_, i) => i + 1) });
          await compiled.close();
          return [...y, ...inputs.x];
        }),
      );
      for (const [i, value] of results[0].entries()) expect(results[1][i]).toBeCloseTo(value, 4);
    },
  );
});
