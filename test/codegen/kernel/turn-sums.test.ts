/** Loops that sum products in registers are marked to make several turns at a time, and no others. */
import { expect, it } from "vitest";
import type { Kernel } from "../../../codegen/kernel/kernel.js";
import { printKernel } from "../../../codegen/kernel/print-kernel.js";
import { turnSums } from "../../../codegen/kernel/turn-sums.js";
import { createWriter, fma, load, ZERO_VALUE } from "../../../codegen/kernel/writer.js";
import { nativeTarget } from "../../../codegen/targets/index.js";

/** So many sums of products, in a loop within a loop; each stored in turn if asked for. */
function sumsOf(count: number, stored = false): Kernel {
  const writer = createWriter();
  const [from, to] = [writer.buffer("real", 64), writer.buffer("real", 64)];
  writer.parallel(4);
  writer.loop(0, 8, (row) => {
    const sums = Array.from({ length: count }, () => writer.variable(ZERO_VALUE));
    writer.loop(0, 8, (k) => {
      for (const sum of sums) {
        writer.assign(sum, fma(load(from, k), load(from, row), sum));
        if (stored) writer.store(to, k, sum);
      }
    });
    for (const sum of sums) writer.store(to, row, sum);
  });
  return writer.finish("sums", 0, 0);
}
const marked = (kernel: Kernel): number =>
  printKernel(turnSums(kernel, nativeTarget.describe())).match(/for, step 1, 4 turns at a time/g)?.length ??
  0;

it("the inner loop of four sums or more, wherever it stands", () => {
  expect(marked(sumsOf(4))).toBe(1);
  expect(marked(sumsOf(12))).toBe(1);
});

it("not a loop of fewer sums, nor one that stores", () => {
  expect(marked(sumsOf(3))).toBe(0);
  expect(marked(sumsOf(4, true))).toBe(0);
});
