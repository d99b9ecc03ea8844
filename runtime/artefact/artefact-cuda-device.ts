import type { Argument } from "../../codegen/kernel/kernel.js";
import { CortadoError } from "../../proto/errors/errors.js";
import type { ParamStore } from "../device.js";
import {
  createCudaExecutor,
  type LoadableKernel,
  type LoadedKernel,
  loadKernels,
} from "../devices/cuda/cuda-executor.js";
import { amount, type Gpu, openGpu } from "../devices/cuda/gpu.js";
import { openDriver, pickDevice } from "../devices/cuda/open-driver.js";
import type { ProgramTable, Tables } from "../net/tables.js";
import type { ArtefactDevice, ArtefactProgram } from "./artefact-device.js";
import type { ArtefactFiles } from "./artefact-files.js";
import { openBuiltAddon } from "./cuda-addon.js";
import type { BuiltKernel, CudaTables, CudaVariant } from "./cuda-tables.js";
import { variantFor } from "./cuda-variant.js";

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
): Promise<ArtefactDevice> {
  if (typeof ordinal !== "number" || !Number.isInteger(ordinal) || ordinal < 0)
    throw new Error("option device is the number of a GPU, from 0");
  const addon = await openBuiltAddon(cuda, files, folder);
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
): ArtefactDevice {
  const parameterBytes = parameters.reduce((sum, elements) => sum + 4 * elements, 0);
  const arenaBytes = programs.reduce((sum, program) => sum + program.arenaBytes, 0);
  gpu.checkMemory(
    parameterBytes + arenaBytes,
    `the parameters (${amount(parameterBytes)}) and the blobs (${amount(arenaBytes)}) of ${JSON.stringify(net)}`,
  );
  const kernels = loadKernels(gpu, cubins);
  const params: ParamStore = { dtype: "float32", memories: parameters.map(gpu.allocateParam) };
  const placed = programs.map((program) => openCudaProgram(program, gpu, kernels, params));
  return {
    programs: placed.map(({ program }) => program),
    async close() {
      for (const { close } of placed) await close();
      gpu.close();
    },
  };
}

function openCudaProgram(
  table: ProgramTable,
  gpu: Gpu,
  kernels: readonly LoadedKernel[],
  params: ParamStore,
): { readonly program: ArtefactProgram; readonly close: () => Promise<void> } {
  const { places, arenaBytes } = table;
  const launches = (rows: ProgramTable["forward"]) =>
    rows.map(([kernel, ...args]) => ({ kernel, args: args.map((at) => places[at]), steps: [] }));
  const executor = createCudaExecutor({
    gpu,
    kernels,
    schedule: {
      arenaBytes,
      prepare: launches(table.prepare),
      forward: launches(table.forward),
      backward: launches(table.backward),
      copies: table.copies.map(({ pass, from, to }) => ({ pass, from: places[from], to: places[to] })),
    },
    params,
  });
  const program: ArtefactProgram = {
    table,
    run: (pass) => plainlySettled(executor.run(pass)),
    async read(at) {
      const values = await plainlySettled(executor.read(at));
      return values instanceof Float32Array ? values : Float32Array.from(values);
    },
    write: (at, values) =>
      plainlySettled(executor.write(at, typeof values === "number" ? everywhere(at, values) : values)),
  };
  return { program, close: executor.close };
}

const everywhere = (at: Argument, value: number): Float32Array | Int32Array =>
  at.storage === "arena" && at.dtype === "index"
    ? new Int32Array(at.elements).fill(value)
    : new Float32Array(at.elements).fill(value);

/** In a built module what the user can mend is a plain error. */
function plainError(error: unknown): unknown {
  if (!(error instanceof CortadoError)) return error;
  const lines = error.diagnostics.map(({ message, hint }) => (hint ? `${message}\n  ${hint}` : message));
  return new Error(lines.join("\n"), { cause: error });
}

function plainly<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw plainError(error);
  }
}

const plainlySettled = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw plainError(error);
  });
