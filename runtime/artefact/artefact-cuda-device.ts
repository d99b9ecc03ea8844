import { showBytes } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import type { ParamStore } from "../device.js";
import { createCudaExecutor, type LoadableKernel, loadKernels } from "../devices/cuda/cuda-executor.js";
import { type Gpu, openGpu } from "../devices/cuda/gpu.js";
import { openDriver, pickDevice } from "../devices/cuda/open-driver.js";
import { scheduleOf } from "../net/program-table.js";
import type { Tables } from "../net/tables.js";
import type { ArtefactFiles } from "./artefact-files.js";
import { openBuiltAddon } from "./built-addon.js";
import type { BuiltDevice } from "./built-device.js";
import type { BuiltKernel, CudaTables, CudaVariant } from "./cuda-tables.js";
import { variantFor } from "./cuda-variant.js";
import { plainly } from "./plain-error.js";

/** What the caller of `load` may say. */
export interface CudaLoadOptions {
  /** Which GPU, among those that the driver shows; default 0. */
  readonly device?: unknown;
}

const WITHOUT = "a build for the target ts runs without";
const CANNOT = "this net cannot run here";

/**
 * The kernels of a build on a GPU of this machine.
 *
 * @param folder where the build lies
 * @throws Error that says what is missing: a file, the driver, a GPU, kernels for it, memory
 */
export async function openCudaDevice(
  { net, parameters }: Pick<Tables, "net" | "parameters">,
  cuda: CudaTables,
  files: ArtefactFiles,
  { device: ordinal = 0 }: CudaLoadOptions,
  folder: URL,
): Promise<BuiltDevice> {
  if (typeof ordinal !== "number" || !Number.isInteger(ordinal) || ordinal < 0)
    throw new Error("option device is the number of a GPU, from 0");
  const addon = await openBuiltAddon(cuda.addons, files, folder);
  const found = plainly(() => {
    const search = openDriver(addon, WITHOUT);
    if (!search.found)
      throw new Error([`${CANNOT}: ${search.why}`, ...(search.hint ? [`  ${search.hint}`] : [])].join("\n"));
    return pickDevice(search.found, ordinal, CANNOT);
  });
  const variant = variantFor(cuda.variants, found.architecture, found.properties.name);
  const { version } = found.driver;
  if (version[0] < cuda.compiler[0])
    throw new Error(
      `the kernels were compiled by NVRTC ${cuda.compiler.join(".")}, and this machine's driver knows CUDA ${version.join(".")}\n` +
        `  install a driver that knows CUDA ${cuda.compiler[0]}, or build with an NVRTC of ${version[0]} (CORTADO_NVRTC names it)`,
    );
  const cubins = await readCubins(variant.kernels, files, folder);
  const gpu = plainly(() => openGpu(found));
  try {
    return plainly(() => place(net, parameters, variant, cubins, gpu));
  } catch (error) {
    gpu.close();
    throw error;
  }
}

const readCubins = (
  kernels: readonly BuiltKernel[],
  files: ArtefactFiles,
  folder: URL,
): Promise<readonly LoadableKernel[]> =>
  Promise.all(
    kernels.map(async (kernel) => ({
      ...kernel,
      cubin: await files.read(kernel.path, new URL(kernel.path, folder)),
    })),
  );

/** Parameters, kernels and arenas on the GPU, once it is known that they fit. */
function place(
  net: string,
  parameters: readonly number[],
  { programs }: CudaVariant,
  cubins: readonly LoadableKernel[],
  gpu: Gpu,
): BuiltDevice {
  const parameterBytes = parameters.reduce((sum, elements) => sum + 4 * elements, 0);
  const arenaBytes = programs.reduce((sum, program) => sum + program.arenaBytes, 0);
  gpu.checkMemory(
    parameterBytes + arenaBytes,
    `the parameters (${showBytes(parameterBytes)}) and the blobs (${showBytes(arenaBytes)}) of ${quoted(net)}`,
  );
  const kernels = loadKernels(gpu, cubins);
  const params: ParamStore = { dtype: "float32", memories: parameters.map(gpu.allocateParam) };
  const loaded = programs.map((table) => ({
    table,
    executor: createCudaExecutor({ gpu, kernels, schedule: scheduleOf(table), params }),
  }));
  return {
    params: params.memories,
    programs: loaded,
    async close() {
      for (const { executor } of loaded) await executor.close();
      gpu.close();
    },
  };
}
