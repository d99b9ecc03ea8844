import type { TargetDescription } from "../../ir/target-description.js";

/**
 * JavaScript on V8, which makes scalar code. Measured in GFLOP/s on one kernel in a quiet process: 4 × 4
 * accumulators 4.3 to 4.8, as good as 3 × 3, 2 × 4 and 4 × 6, so the tile with the fewest loads; the sum unrolled
 * by 2 or 4 3.5 to 4.0; operands packed in order 5.0 at most, which pays for no copy; arithmetic in float32 through
 * Math.fround 2.4.
 */
export const tsDescription: TargetDescription = {
  tile: { rows: 4, columns: 4 },
  parallelIterations: 16,
  unrolledWindow: 9,
};
