import type { Addon, HostMemory } from "../../../../native/addon.js";
import {
  buildEmulatorModule,
  type EmulatorOptions,
} from "../../../../runtime/devices/emulator/emulator-module.js";
import type { EmulatedKernel } from "../../../../runtime/devices/emulator/emulator-source.js";
import { addonForTests } from "../../../support/native.js";
import { scratchFolder } from "../../../support/scratch.js";

const loaded = await addonForTests();

/** Whether kernels can be built and run here. Where they cannot, the suites that need them are skipped by name. */
export const canEmulate: boolean = loaded !== undefined;

/** A launch of one of a module's kernels, by its symbol. */
export interface Run {
  readonly symbol: string;
  readonly blocks: number;
  readonly threads: number;
  readonly args: readonly HostMemory[];
}

/** Runs launches in order: "ok", or what was found. */
export type Emulator = (...runs: readonly Run[]) => Promise<string>;

/** The tests of a file keep what they build in a folder of their own. */
export function ownCache(): void {
  process.env["CORTADO_CACHE"] = `${scratchFolder().path}/cache`;
}

export async function emulator(
  kernels: readonly EmulatedKernel[],
  options: EmulatorOptions = {},
): Promise<Emulator> {
  const addon = loaded?.addon as Addon;
  const module = addon.hostOpen(await buildEmulatorModule(kernels, options));
  return async (...runs) => {
    const launches = runs.map(({ symbol, ...rest }) => ({
      kernel: kernels.findIndex((kernel) => kernel.symbol === symbol),
      ...rest,
    }));
    try {
      await addon.hostRun(addon.hostPlan(module, launches));
      return "ok";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
}
