import { NET_PASSES } from "../../../codegen/ir/graph.js";
import type { Program } from "../../../codegen/kernel/kernel.js";
import { rangeOf } from "../../../codegen/kernel/launch.js";

/** Operations and bytes: about 5 ms of one thread. Starting threads takes 100 ms, and each of their meetings a part of one. */
const SMALL = 10_000_000;

/** Whether none of a program's passes is so long that threads would make it shorter. */
export const isSmall = (program: Program): boolean =>
  NET_PASSES.every((pass) => {
    const work = program[pass].map((launch) => {
      const kernel = program.kernels[launch.kernel];
      const { from, to } = rangeOf(launch, kernel);
      return ((kernel.flops + kernel.bytes) * (to - from)) / Math.max(1, kernel.parallel.extent);
    });
    return work.reduce((sum, one) => sum + one, 0) <= SMALL;
  });
