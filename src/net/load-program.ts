import type { RealType } from "../../codegen/ir/real.js";
import type { Device, Executor, ParamStore } from "../../runtime/device.js";
import { createRunner, type LoadedProgram, type Runner } from "../../runtime/net/runner.js";
import type { LoweredNet } from "../layers/index.js";
import { programTable } from "./net-tables.js";
import { layersOf, type NetProgram, type ProgramOptions } from "./programs.js";

/** A program made ready to run: its kernels compiled, and the memory they are bound to. */
export interface Built extends NetProgram, LoadedProgram {
  /** The generated code, in the language of its target. */
  readonly source: string;
  readonly executor: Executor;
}

/** A program of a compiled net. */
export type CompiledRunner = Runner<Built>;

export interface LoadOptions {
  readonly device: Device;
  /** Allocated on the device. */
  readonly params: ParamStore;
  readonly threads: number;
  /** Whether the device may take fewer. */
  readonly atMost?: boolean;
}

/** Kernels → source → launches over memory. */
export async function loadProgram(
  made: NetProgram,
  lowered: LoweredNet,
  options: LoadOptions,
): Promise<CompiledRunner> {
  const { device, params, threads, atMost } = options;
  const describe = (steps: readonly number[]): string => layersOf(made.plan, steps);
  const { source, executor } = await device.load(made.program, params, { threads, atMost, describe });
  return createRunner({ ...made, table: programTable(made, lowered), source, executor }, params.memories);
}

/** What programs that run on a device are compiled with. */
export const optionsFor = (
  { target, description }: Device,
  dtype: RealType,
  seed: number,
  passes?: ProgramOptions["passes"],
): ProgramOptions => ({
  target,
  description,
  dtype,
  seed,
  ...(passes && { passes }),
});
