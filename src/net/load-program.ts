import type { RealType } from "../../codegen/ir/real.js";
import type { Device, Executor, KeptProgram, ParamStore } from "../../runtime/device.js";
import type { ProgramTable } from "../../runtime/net/program-table.js";
import { createRunner, type LoadedProgram, type Runner } from "../../runtime/net/runner.js";
import type { LoweredNet } from "../layers/index.js";
import type { ProgramMemory } from "./net-memory.js";
import { programTable } from "./net-tables.js";
import { programKey } from "./program-key.js";
import {
  layersOf,
  makeRequested,
  type NetProgram,
  type ProgramOptions,
  type ProgramRequest,
} from "./programs.js";

/** A program before it is loaded: made, or found as it was kept. */
export interface LoadableProgram extends ProgramMemory {
  readonly table: ProgramTable;
  /** The program with its plan and kernels. One that was kept is made when first asked for. */
  readonly made: () => NetProgram;
  /** Where it was found. */
  readonly kept?: KeptProgram;
  /** What to keep it by, where it was not found. */
  readonly key?: string;
}

/** A program made ready to run: its kernels compiled, and the memory they are bound to. */
export interface Built extends LoadedProgram, Pick<NetProgram, "plan" | "program"> {
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

/** A program that the device keeps from before, or one that is made now: known is then what memory it takes. */
export async function requestProgram(
  request: ProgramRequest,
  lowered: LoweredNet,
  device: Device,
): Promise<LoadableProgram> {
  const key = device.find && programKey(request, lowered);
  const kept = key === undefined ? undefined : await device.find?.(key);
  if (!kept) return { ...loadable(makeRequested(request, lowered.builder), lowered, device), key };
  const { table, scratchBytes } = kept;
  let made: NetProgram | undefined;
  return {
    ...{ table, kept, scratchBytes },
    arenaBytes: table.arenaBytes,
    made() {
      made ??= makeRequested(request, lowered.builder);
      return made;
    },
  };
}

function loadable(made: NetProgram, lowered: LoweredNet, { target }: Device): LoadableProgram {
  const { arenaBytes } = made.program;
  const scratchBytes = target.scratchBytes(made.program);
  return { table: programTable(made, lowered), arenaBytes, scratchBytes, made: () => made };
}

/** Kernels → source → launches over memory; or kernels that lie compiled → launches. */
export async function loadProgram(
  { table, made, kept, key }: LoadableProgram,
  options: LoadOptions,
): Promise<CompiledRunner> {
  const { device, params, threads, atMost } = options;
  const describe = (steps: readonly number[]): string => layersOf(made().plan, steps);
  const keep = key === undefined ? undefined : { key, table };
  const executor =
    (await kept?.load(params, { threads, atMost })) ??
    (await device.load(made().program, params, { threads, atMost, describe, keep }));
  const { target, description } = device;
  const built: Built = {
    ...{ table, executor },
    get plan() {
      return made().plan;
    },
    get program() {
      return made().program;
    },
    get source() {
      return target.render(made().program, params.dtype, description).text;
    },
  };
  return createRunner(built, params.memories);
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
