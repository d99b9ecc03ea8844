import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Graph } from "../../codegen/ir/graph.js";
import { type RealType, realBytes } from "../../codegen/ir/real.js";
import { showBytes } from "../../proto/words/amounts.js";
import type { Device, Executor, ParamStore } from "../../runtime/device.js";
import { layersOf, makeProgram, type NetProgram } from "./programs.js";

/** A program made ready to run: its kernels compiled, and the memory they are bound to. */
export interface Built extends NetProgram {
  /** The generated code, in the language of its target. */
  readonly source: string;
  readonly executor: Executor;
}

export interface LoadOptions {
  readonly device: Device;
  /** Allocated on the device. */
  readonly params: ParamStore;
  readonly threads: number;
}

/** Kernels → source → launches over memory. */
export async function loadProgram(made: NetProgram, options: LoadOptions): Promise<Built> {
  const { device, params, threads } = options;
  const describe = (steps: readonly number[]): string => layersOf(made.plan, steps);
  const { source, executor } = await device.load(made.program, params, { threads, describe });
  return { ...made, source, executor };
}

/** A graph of a net made, and loaded. */
export async function buildProgram(
  graph: Graph,
  builder: GraphBuilder,
  options: LoadOptions & { readonly seed: number },
): Promise<Built> {
  const { device, params, seed } = options;
  const { target, description } = device;
  const { dtype } = params;
  const made = makeProgram(graph, builder, { target, description, dtype, seed, repeatBackward: true });
  return loadProgram(made, options);
}

/**
 * Refuses programs that do not fit on a device together with parameters that are still to be allocated, before any
 * of it is.
 *
 * @param elements of the parameters
 * @throws CortadoError that names the plan's peak
 */
export function checkFit(
  device: Device,
  programs: readonly NetProgram[],
  elements: number,
  dtype: RealType,
): void {
  const blobs = programs.reduce((sum, { program }) => sum + program.arenaBytes, 0);
  const parameters = elements * realBytes(dtype);
  device.checkMemory(
    blobs + parameters,
    `blobs (${showBytes(blobs)} at the plan's peak) and parameters (${showBytes(parameters)})`,
  );
}
