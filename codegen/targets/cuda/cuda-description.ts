import { userError } from "../../../proto/errors/index.js";
import type { GpuDescription, TargetDescription } from "../../ir/target-description.js";

/** Whether a name is one of a GPU's architecture, as NVRTC takes it. */
export const isGpuArchitecture = (name: string): boolean => /^sm_\d{2,3}[af]?$/.test(name);

/** For messages. */
export const GPU_ARCHITECTURES = "sm_80, sm_90, sm_120 …";

function capabilityOf(architecture: string): number {
  return Number(architecture.replace(/^sm_(\d+).*$/, "$1"));
}

const KIB = 1024;

/**
 * Per architecture, ascending, the device it is mostly met in, from NVIDIA's data sheets (A100 SXM, H100 SXM, RTX 5090 …);
 * what a multiprocessor holds from the CUDA C++ Programming Guide, table "Technical Specifications per Compute
 * Capability"; the reserved KiB from its sections on shared memory of compute capabilities 8.x and above.
 */
const GPUS: readonly GpuDescription[] = [
  gpu("sm_75", { units: 40, fma: 64, threads: 1024, blocks: 16, shared: 64, gigahertz: 1.59, bytes: 320e9 }),
  gpu("sm_80", {
    units: 108,
    fma: 64,
    threads: 2048,
    blocks: 32,
    shared: 164,
    gigahertz: 1.41,
    bytes: 1.555e12,
  }),
  gpu("sm_86", {
    units: 82,
    fma: 128,
    threads: 1536,
    blocks: 16,
    shared: 100,
    gigahertz: 1.695,
    bytes: 936e9,
  }),
  gpu("sm_87", {
    units: 16,
    fma: 128,
    threads: 1536,
    blocks: 16,
    shared: 164,
    gigahertz: 1.3,
    bytes: 204.8e9,
  }),
  gpu("sm_89", {
    units: 128,
    fma: 128,
    threads: 1536,
    blocks: 24,
    shared: 100,
    gigahertz: 2.52,
    bytes: 1.008e12,
  }),
  gpu("sm_90", {
    units: 132,
    fma: 128,
    threads: 2048,
    blocks: 32,
    shared: 228,
    gigahertz: 1.83,
    bytes: 3.35e12,
  }),
  gpu("sm_100", {
    units: 148,
    fma: 128,
    threads: 2048,
    blocks: 32,
    shared: 228,
    gigahertz: 1.85,
    bytes: 8e12,
  }),
  gpu("sm_120", {
    units: 170,
    fma: 128,
    threads: 1536,
    blocks: 24,
    shared: 100,
    gigahertz: 2.407,
    bytes: 1.792e12,
  }),
];

function gpu(
  architecture: string,
  has: {
    readonly units: number;
    readonly fma: number;
    readonly threads: number;
    readonly blocks: number;
    /** In KiB. */
    readonly shared: number;
    readonly gigahertz: number;
    readonly bytes: number;
  },
): GpuDescription {
  return {
    architecture,
    multiprocessors: has.units,
    fmaPerCycle: has.fma,
    threadsPerMultiprocessor: has.threads,
    blocksPerMultiprocessor: has.blocks,
    registersPerMultiprocessor: 65_536,
    sharedPerMultiprocessor: has.shared * KIB,
    sharedPerBlock: 48 * KIB,
    sharedReservedPerBlock: capabilityOf(architecture) < 80 ? 0 : KIB,
    gigahertz: has.gigahertz,
    bytesPerSecond: has.bytes,
  };
}

/** The figures of an architecture ("sm_86"): one that is not known is taken for the nearest older one. */
export function gpuOf(architecture: string): GpuDescription {
  const wanted = capabilityOf(architecture);
  const known = GPUS.findLast((one) => capabilityOf(one.architecture) <= wanted) ?? GPUS[0];
  return { ...known, architecture };
}

/**
 * What kernels for an architecture are lowered by. Every element of a result has a thread of its own, so all loops over
 * elements are parallel.
 *
 * @throws CortadoError for what is no architecture's name
 */
export function cudaDescription(architecture: string): TargetDescription {
  if (!isGpuArchitecture(architecture))
    throw userError(
      `there is no architecture "${architecture}" of target cuda`,
      `they are named ${GPU_ARCHITECTURES}`,
    );
  return {
    tile: { rows: 8, columns: 8 },
    parallelIterations: Number.POSITIVE_INFINITY,
    unrolledWindow: 9,
    gpu: gpuOf(architecture),
  };
}
