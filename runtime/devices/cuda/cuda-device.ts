import { launchShape } from "../../../codegen/kernel/launch.js";
import { cudaTarget } from "../../../codegen/targets/cuda/cuda-target.js";
import type { Device } from "../../device.js";
import { type Cubin, type CudaKernel, compileKernels } from "./compile-kernels.js";
import { createCudaExecutor, loadKernels } from "./cuda-executor.js";
import { requireDevice } from "./driver.js";
import { openGpu } from "./gpu.js";
import { requireNvrtc } from "./nvrtc.js";
import type { FoundDevice } from "./open-driver.js";

/** Makes cubins of kernels, in their order, for an architecture ("sm_90"). */
export type Compiler = (
  kernels: readonly CudaKernel[],
  arch: string,
) => Promise<readonly Pick<Cubin, "cubin">[]>;

export interface CudaDeviceOptions {
  /** Among those that the driver shows; default 0. */
  readonly ordinal?: number;
  /** Default: NVRTC, and the cache. */
  readonly compiler?: Compiler;
}

/**
 * A GPU by NVIDIA: generated CUDA C++, compiled by NVRTC for this very device and launched through its driver.
 *
 * @throws CortadoError that says what is missing: the addon, the driver, a GPU, NVRTC
 */
export async function createCudaDevice(options: CudaDeviceOptions = {}): Promise<Device> {
  const found = requireDevice(options.ordinal);
  const compiler = options.compiler ?? (await compilerFor(found));
  const gpu = openGpu(found);
  return {
    target: cudaTarget,
    description: cudaTarget.describe(gpu.architecture),
    hostMemory: false,
    checkMemory: gpu.checkMemory,
    allocate: gpu.allocateParam,
    async load(program, params, { describe }) {
      // Before minutes are spent on compiling.
      gpu.checkMemory(program.arenaBytes, "the blobs (the plan's peak)");
      const { units } = cudaTarget.render(program, "float32");
      const cubins = await compiler(
        units.map((unit, i) => ({ ...unit, note: program.kernels[i].note })),
        gpu.architecture,
      );
      const kernels = loadKernels(
        gpu,
        program.kernels.map((kernel, i) => ({
          symbol: units[i].symbol,
          cubin: cubins[i].cubin,
          note: kernel.note,
          ...launchShape(kernel),
        })),
      );
      return createCudaExecutor({ gpu, kernels, schedule: program, params, describe });
    },
    close: async () => gpu.close(),
  };
}

/** NVRTC, of a version whose cubins the driver loads. It is looked for before anything is allocated. */
async function compilerFor({ driver }: FoundDevice): Promise<Compiler> {
  const nvrtc = await requireNvrtc(driver.version[0]);
  return (kernels, arch) => compileKernels(kernels, { arch, nvrtc });
}
