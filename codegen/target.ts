/**
 * What a target wants of loop nests: the lowering reads it, a renderer does not. All that is tuned for one
 * target stands here.
 */
export interface TargetDescription {
  readonly name: "ts";
  /** Bytes of the type sums are kept in. */
  readonly accumulatorBytes: 4 | 8;
  /** Rows and columns of the block of accumulators that matmul and convolutions keep in locals. */
  readonly tile: { readonly rows: number; readonly columns: number };
  /** How many iterations the parallel loop should have where the shape allows it, so that threads share it evenly. */
  readonly parallelIterations: number;
  /** A window of at most this many elements that is never clipped is written out. */
  readonly unrolledWindow: number;
  /**
   * A matmul operand whose rows along the sum lie apart is copied, this many columns at a time, so that the
   * inner loop reads it in order.
   */
  readonly panelColumns: number;
  /** Rows of such a panel: rows × columns accumulators should stay in the second-level cache. */
  readonly panelRows: number;
}

/**
 * JavaScript on V8. Scalar code: 16 floating-point registers, so 4 × 4 accumulators spill a little but beat
 * smaller tiles. Unrolling the sum loses (V8's register allocator), and float32 arithmetic through Math.fround
 * is slower than float64 (measured: 2.4 against 4.5 GFLOP/s).
 */
export const tsTarget: TargetDescription = {
  name: "ts",
  accumulatorBytes: 8,
  tile: { rows: 4, columns: 4 },
  parallelIterations: 16,
  unrolledWindow: 9,
  panelColumns: 16,
  panelRows: 512,
};
