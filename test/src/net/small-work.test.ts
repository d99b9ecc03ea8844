/** What is reckoned before kernels are compiled. */
import { expect, it } from "vitest";
import { compilingPays, workOf } from "../../../src/net/small-work.js";

/** A net of one layer of 10⁹ operations, with so many layers of products. */
const net = (products: number) =>
  ({
    layers: [{ flops: 1e9 }],
    params: Array.from({ length: 2 * products }, (_, i) => ({ shape: i % 2 === 0 ? [2, 3] : [2] })),
  }) as unknown as Parameters<typeof workOf>[0];

const rates = { compiled: { rate: 100 }, atOnce: { rate: 20 } };

it("counts the passes that a solver makes, and a hundred where nobody says", () => {
  expect(workOf(net(0), undefined, 1).words).toBe("100 passes of 1.0 · 10⁹ operations");
  const solver = { max_iter: 5000, iter_size: 2 };
  expect(workOf(net(0), solver, 1).words).toBe("10000 steps of 3.0 · 10⁹ operations");
  expect(workOf(net(0), solver, 1).billions).toBe(30_000);
});

it("knows that more layers take longer to compile, more so in training, and less on more cores", () => {
  const seconds = (products: number, cores: number, solver?: Parameters<typeof workOf>[1]) =>
    workOf(net(products), solver, cores).compiling;
  expect(seconds(50, 1)).toBeGreaterThan(2 * seconds(5, 1));
  expect(seconds(50, 2)).toBeCloseTo(seconds(50, 1) / 2);
  expect(seconds(50, 1, { max_iter: 1, iter_size: 1 })).toBeGreaterThan(seconds(50, 1));
});

it("weighs what is saved on so many threads against it", () => {
  const work = { billions: 100, words: "", compiling: 3 };
  // 100 · (1/20 − 1/100) = 4 s on one thread, 2 on two.
  expect(compilingPays(work, 1, rates)).toBe(true);
  expect(compilingPays(work, 2, rates)).toBe(false);
});
