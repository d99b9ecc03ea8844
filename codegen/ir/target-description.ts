/**
 * What a target wants of loop nests: the lowering reads it, a renderer does not. All that is tuned for one
 * target stands here.
 */
export interface TargetDescription {
  readonly name: "ts" | "cuda";
  /** Rows and columns of the block of accumulators that matmul and convolutions keep in locals. */
  readonly tile: { readonly rows: number; readonly columns: number };
  /** How many iterations the parallel loop should have where the shape allows it, so that threads share it evenly. */
  readonly parallelIterations: number;
  /** A window of at most this many elements that is never clipped is written out. */
  readonly unrolledWindow: number;
  /** What is known of the device where iterations may be carried out by teams of threads; absent: there are none. */
  readonly gpu?: GpuDescription;
}

/** The figures of a GPU that shapes of tiles and splits are chosen by. */
export interface GpuDescription {
  /** As NVRTC names it: "sm_90". */
  readonly architecture: string;
  readonly multiprocessors: number;
  /** float32 fused multiply-adds of one multiprocessor and cycle. */
  readonly fmaPerCycle: number;
  readonly threadsPerMultiprocessor: number;
  readonly registersPerMultiprocessor: number;
  readonly sharedPerMultiprocessor: number;
  /** Static shared memory of one block. */
  readonly sharedPerBlock: number;
  /** Clock in GHz, and bytes per second of global memory: for predictions. */
  readonly gigahertz: number;
  readonly bytesPerSecond: number;
}

/**
 * JavaScript on V8, which makes scalar code. Measured in GFLOP/s on one kernel in a quiet process: 4 × 4
 * accumulators 4.3 to 4.8, as good as 3 × 3, 2 × 4 and 4 × 6, so the tile with the fewest loads; the sum unrolled
 * by 2 or 4 3.5 to 4.0; operands packed in order 5.0 at most, which pays for no copy; arithmetic in float32 through
 * Math.fround 2.4.
 */
export const tsTarget: TargetDescription = {
  name: "ts",
  tile: { rows: 4, columns: 4 },
  parallelIterations: 16,
  unrolledWindow: 9,
};

/** Per architecture, the device it is mostly met in, from NVIDIA's data sheets: A100 SXM, H100 SXM, RTX 5090 … */
const GPUS: readonly GpuDescription[] = [
  gpu("sm_75", 40, 64, 1024, 65_536, 1.59, 320e9),
  gpu("sm_80", 108, 64, 2048, 167_936, 1.41, 1.555e12),
  gpu("sm_86", 82, 128, 1536, 102_400, 1.695, 936e9),
  gpu("sm_89", 128, 128, 1536, 102_400, 2.52, 1.008e12),
  gpu("sm_90", 132, 128, 2048, 233_472, 1.83, 3.35e12),
  gpu("sm_100", 148, 128, 2048, 233_472, 1.85, 8e12),
  gpu("sm_120", 170, 128, 1536, 102_400, 2.407, 1.792e12),
];

function gpu(
  architecture: string,
  multiprocessors: number,
  fmaPerCycle: number,
  threadsPerMultiprocessor: number,
  sharedPerMultiprocessor: number,
  gigahertz: number,
  bytesPerSecond: number,
): GpuDescription {
  return {
    architecture,
    multiprocessors,
    fmaPerCycle,
    threadsPerMultiprocessor,
    registersPerMultiprocessor: 65_536,
    sharedPerMultiprocessor,
    sharedPerBlock: 49_152,
    gigahertz,
    bytesPerSecond,
  };
}

const capabilityOf = (architecture: string): number => Number(architecture.replace(/^sm_(\d+).*$/, "$1"));

/**
 * The CUDA target for an architecture ("sm_86"): one that the table does not name is taken for the nearest older one.
 * Every element of a result has a thread of its own, so all loops over elements are parallel.
 */
export function cudaTarget(architecture: string): TargetDescription {
  const wanted = capabilityOf(architecture);
  const known = GPUS.findLast((one) => capabilityOf(one.architecture) <= wanted) ?? GPUS[0];
  return {
    name: "cuda",
    tile: { rows: 8, columns: 8 },
    parallelIterations: Number.POSITIVE_INFINITY,
    unrolledWindow: 9,
    gpu: { ...known, architecture },
  };
}
