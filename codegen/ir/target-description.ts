/**
 * What a target wants of graphs and loop nests: passes and lowerings read it, a renderer does not. All that is tuned
 * for one target stands here.
 */
export interface TargetDescription {
  /** Rows and columns of the block of accumulators that matmul and convolutions keep in locals. */
  readonly tile: { readonly rows: number; readonly columns: number };
  /** How many iterations the parallel loop should have where the shape allows it, so that threads share it evenly. */
  readonly parallelIterations: number;
  /** A window of at most this many elements that is never clipped is written out. */
  readonly unrolledWindow: number;
  /** What is known of a processor where teams of threads are the lanes of its vectors; absent: it has no such. */
  readonly lanes?: LanesDescription;
  /** What is known of the device where iterations may be carried out by teams of threads; absent: there are none. */
  readonly gpu?: GpuDescription;
}

/** The figures of a processor that vectors, tiles and parts are chosen by. */
export interface LanesDescription {
  /** Of its widest vector: 16, 32 or 64. */
  readonly vectorBytes: number;
  readonly registers: number;
  /** How many of them a compiler keeps sums in without spilling. */
  readonly accumulators: number;
  /** Turns that a loop which sums products makes between two tests for its end. */
  readonly turns: number;
  /** Whether it multiplies and adds in one instruction, rounding once. */
  readonly fma: boolean;
  /** Data caches of one core. */
  readonly l1Bytes: number;
  readonly l2Bytes: number;
}

/** The figures of a GPU that shapes of tiles and splits are chosen by. */
export interface GpuDescription {
  /** As NVRTC names it: "sm_90". */
  readonly architecture: string;
  readonly multiprocessors: number;
  /** float32 fused multiply-adds of one multiprocessor and cycle. */
  readonly fmaPerCycle: number;
  /** What is resident on one multiprocessor at most, of threads and of blocks. */
  readonly threadsPerMultiprocessor: number;
  readonly blocksPerMultiprocessor: number;
  readonly registersPerMultiprocessor: number;
  readonly sharedPerMultiprocessor: number;
  /** Static shared memory of one block; and what the system takes for itself in each. */
  readonly sharedPerBlock: number;
  readonly sharedReservedPerBlock: number;
  /** Clock in GHz, and bytes per second of global memory: for predictions. */
  readonly gigahertz: number;
  readonly bytesPerSecond: number;
}
