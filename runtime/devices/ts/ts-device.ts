import type { RealType } from "../../../codegen/ir/real.js";
import type { Program } from "../../../codegen/kernel/kernel.js";
import { loadKernels, transpile } from "../../../codegen/targets/ts/ts-module.js";
import { tsTarget } from "../../../codegen/targets/ts/ts-target.js";
import type { Device } from "../../device.js";
import { allocateShared, checkMemory } from "../../memory.js";
import { isSmall } from "../threads/host-executor.js";
import type { HostKernels } from "../threads/host-kernels.js";
import type { HostKernel } from "../threads/inline-executor.js";
import { SCALARS_PER_MILLISECOND } from "../threads/speeds.js";
import { startExecutor } from "../threads/start-executor.js";
import { allocateParam } from "./ts-memory.js";

/** The name of generated code in stack traces. */
const FILENAME = "cortado-net.js";

function kernelsOf(program: Program, dtype: RealType): HostKernels {
  const source = transpile(tsTarget.render(program, dtype).text);
  return {
    open: () => loadKernels(source, FILENAME) as readonly HostKernel[],
    codeOf: () => ({ source, filename: FILENAME }),
    perMillisecond: SCALARS_PER_MILLISECOND,
  };
}

/** This process as a device: generated TypeScript over shared memory, on the caller's thread or on several. */
export function createTsDevice(dtype: RealType): Device {
  return {
    target: tsTarget,
    description: tsTarget.describe(),
    hostMemory: true,
    checkMemory,
    allocate: (elements) => allocateParam(dtype, elements),
    async load(program, params, { threads: most, atMost }) {
      const threads = atMost && isSmall(program, { perMillisecond: SCALARS_PER_MILLISECOND }) ? 1 : most;
      const arena = allocateShared(program.arenaBytes, "the blobs");
      const memory = { arena, params: params.memories, dtype };
      return startExecutor(program, memory, kernelsOf(program, dtype), { threads, atMost });
    },
    // Memory goes when nobody refers to it any longer; threads are the executors'.
    async close() {},
  };
}
