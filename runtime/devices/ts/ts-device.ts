import type { RealType } from "../../../codegen/ir/real.js";
import { transpile } from "../../../codegen/targets/ts/ts-module.js";
import { tsTarget } from "../../../codegen/targets/ts/ts-target.js";
import type { Device } from "../../device.js";
import { checkMemory } from "../../memory.js";
import { isSmall } from "./small-program.js";
import { createExecutor } from "./ts-executor.js";
import { allocateParam } from "./ts-memory.js";

/** This process as a device: generated TypeScript over shared memory, on the caller's thread or on several. */
export function createTsDevice(dtype: RealType): Device {
  return {
    target: tsTarget,
    description: tsTarget.describe(),
    hostMemory: true,
    checkMemory,
    allocate: (elements) => allocateParam(dtype, elements),
    async load(program, params, { threads: most, atMost }) {
      const threads = atMost && isSmall(program) ? 1 : most;
      const source = tsTarget.render(program, dtype).text;
      return createExecutor({ program, kernelSource: transpile(source), params, threads });
    },
    // Memory goes when nobody refers to it any longer; threads are the executors'.
    async close() {},
  };
}
