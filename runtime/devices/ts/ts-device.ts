import { tsTarget } from "../../../codegen/ir/target-description.js";
import { transpile, writeModule } from "../../../codegen/targets/ts/ts-module.js";
import type { Device } from "../../device.js";
import { checkMemory, type RealType } from "../../memory.js";
import { createExecutor } from "./ts-executor.js";
import { allocateParam } from "./ts-memory.js";

/** This process as a device: generated TypeScript over shared memory, on the caller's thread or on several. */
export function createTsDevice(dtype: RealType): Device {
  return {
    name: "ts",
    description: tsTarget,
    checkMemory,
    allocate: (elements) => allocateParam(dtype, elements),
    async load(program, params, { threads }) {
      const source = writeModule(program, { dtype });
      const executor = await createExecutor({ program, kernelSource: transpile(source), params, threads });
      return { source, executor };
    },
    // Memory goes when nobody refers to it any longer; threads are the executors'.
    async close() {},
  };
}
