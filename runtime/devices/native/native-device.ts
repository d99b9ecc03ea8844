import type { RealType } from "../../../codegen/ir/real.js";
import type { TargetDescription } from "../../../codegen/ir/target-description.js";
import { nativeTarget } from "../../../codegen/targets/native/native-target.js";
import { type Addon, openAddon } from "../../../native/addon.js";
import { userError } from "../../../proto/errors/index.js";
import { cacheRefused } from "../../cache.js";
import type { Device } from "../../device.js";
import { checkMemory } from "../../memory.js";
import { scheduleOf } from "../../net/program-table.js";
import type { Availability } from "../availability.js";
import { compilerMissing, findCompiler } from "../host/host-compiler.js";
import { allocateNativeParam } from "./aligned-memory.js";
import { createNativeExecutor } from "./native-executor.js";
import { buildNativeModules, type NativeModuleOptions } from "./native-modules.js";
import { findProgram, keepProgram } from "./native-programs.js";

/** Whether the addon is there, a compiler, and a folder that compiled kernels may be loaded from. */
export async function nativeAvailability(): Promise<Availability> {
  const opened = openAddon();
  if (opened.addon === undefined) return { works: false, why: opened.why };
  if ((await findCompiler()) === undefined) return { works: false, why: compilerMissing().why };
  const refused = await cacheRefused();
  if (refused !== undefined) return { works: false, why: refused };
  return { works: true, why: `compiled for this processor (${opened.addon.processor().architecture})` };
}

/**
 * This machine's processor: kernels compiled by its C++ compiler, over memory of this process.
 *
 * @throws CortadoError where the addon is not there
 */
export function createNativeDevice(dtype: RealType, options: NativeModuleOptions = {}): Device {
  const opened = openAddon();
  const { addon } = opened;
  if (addon === undefined) throw userError(`target "native" is not available: ${opened.why}`);
  return {
    target: nativeTarget,
    description: describeProcessor(addon),
    hostMemory: true,
    checkMemory,
    allocate: (elements) => allocateNativeParam(addon, dtype, elements),
    async find(key) {
      const found = await findProgram(key, options);
      if (!found) return undefined;
      const { modules, kernels, programs } = found;
      const [{ table, scratchBytes }] = programs;
      return {
        ...{ table, scratchBytes },
        load: async (params, { threads }) =>
          createNativeExecutor({
            ...{ addon, modules, kernels, params, threads, scratchBytes },
            schedule: scheduleOf(table),
          }),
      };
    },
    async load(program, params, { threads, keep }) {
      const { units, preamble } = nativeTarget.render(program, dtype);
      const kernels = units.map((unit, number) => ({ ...unit, note: program.kernels[number].note }));
      const modules = await buildNativeModules(kernels, preamble ?? "", options);
      if (keep) await keepProgram(program, modules, keep, options);
      return createNativeExecutor({
        ...{ addon, modules, params, threads },
        kernels: program.kernels,
        schedule: program,
        scratchBytes: nativeTarget.scratchBytes(program),
      });
    },
    // Memory goes when nobody refers to it any longer; threads are the process's.
    async close() {},
  };
}

/** The vectors of this machine's processor, with its caches where it tells them. */
export function describeProcessor(addon: Pick<Addon, "processor">): TargetDescription {
  const { architecture, l1Bytes, l2Bytes } = addon.processor();
  const described = nativeTarget.describe(architecture);
  const { lanes } = described;
  if (lanes === undefined) return described;
  return {
    ...described,
    lanes: { ...lanes, l1Bytes: l1Bytes || lanes.l1Bytes, l2Bytes: l2Bytes || lanes.l2Bytes },
  };
}
