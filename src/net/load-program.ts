import type { GraphBuilder } from "../../codegen/ir/builder.js";
import { type DType, type Graph, type Node, sizeOf } from "../../codegen/ir/graph.js";
import type { TargetDescription } from "../../codegen/ir/target-description.js";
import type { Argument, Program } from "../../codegen/kernel/kernel.js";
import { lowerPlan } from "../../codegen/lower/lower-plan.js";
import { runPasses } from "../../codegen/passes/index.js";
import { planGraph } from "../../codegen/plan/index.js";
import type { Plan } from "../../codegen/plan/plan.js";
import { InternalError } from "../../proto/errors/index.js";
import { showBytes } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import type { Device, Executor, ParamStore } from "../../runtime/device.js";
import { type RealType, realBytes } from "../../runtime/memory.js";

/** A graph made into kernels: everything that is known before memory is taken. */
export interface Planned {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly program: Program;
  /** Where an input's value is to be written; undefined where nothing in the graph reads it. */
  readonly inputs: ReadonlyMap<string, Argument>;
}

/** A graph made ready to run: its kernels compiled, and the memory they are bound to. */
export interface Built extends Planned {
  /** The generated code, in the language of its target. */
  readonly source: string;
  readonly executor: Executor;
}

export interface PlanProgramOptions {
  readonly dtype: RealType;
  /** Of the target: what the lowering reads. */
  readonly description: TargetDescription;
  readonly seed: number;
  /** Keep what backward reads, so that it can run more than once after one forward. Default true. */
  readonly repeatBackward?: boolean;
}

/** Graph → passes → plan → kernels. */
export function planProgram(graph: Graph, builder: GraphBuilder, options: PlanProgramOptions): Planned {
  const { dtype, description, seed, repeatBackward = true } = options;
  const optimised = runPasses(graph, builder);
  const plan = planGraph(optimised, { realBytes: realBytes(dtype), repeatBackward });
  const program = lowerPlan(plan, { dtype, target: description, seed });
  const inputs = new Map<string, Argument>();
  for (const node of plan.placements.keys()) {
    if (node.op === "input") inputs.set(node.name, locate(plan, node, dtype));
  }
  return { graph: optimised, plan, program, inputs };
}

export interface LoadOptions {
  readonly device: Device;
  /** Allocated on the device. */
  readonly params: ParamStore;
  readonly threads: number;
}

/** Kernels → source → launches over memory. */
export async function loadProgram(planned: Planned, options: LoadOptions): Promise<Built> {
  const { device, params, threads } = options;
  const describe = (steps: readonly number[]): string => layersOf(planned.plan, steps);
  const { source, executor } = await device.load(planned.program, params, { threads, describe });
  return { ...planned, source, executor };
}

/** Both at once. */
export const build = (
  graph: Graph,
  builder: GraphBuilder,
  options: Omit<PlanProgramOptions, "dtype" | "description"> & LoadOptions,
): Promise<Built> => {
  const { device, params } = options;
  const planned = planProgram(graph, builder, {
    ...options,
    dtype: params.dtype,
    description: device.description,
  });
  return loadProgram(planned, options);
};

/**
 * Refuses programs that do not fit on a device together with parameters that are still to be allocated, before any
 * of it is.
 *
 * @param elements of the parameters
 * @throws CortadoError that names the plan's peak
 */
export function checkFit(
  device: Device,
  programs: readonly Planned[],
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

/** The layers that steps compute, quoted, in the order of their nodes. */
function layersOf({ steps }: Plan, indices: readonly number[]): string {
  const nodes = indices.flatMap((index) => [...steps[index].inlined, ...steps[index].stores]);
  const origins = nodes.sort((a, b) => a.id - b.id).map(({ origin }) => origin);
  return [...new Set(origins)]
    .filter((origin) => origin !== "")
    .map(quoted)
    .join(", ");
}

/** Where a node of a plan lies, as an argument that an executor can read and write. */
export function locate(plan: Plan, node: Node, dtype: RealType): Argument {
  const bytesOf = (type: DType): number => (type === "index" ? 4 : realBytes(dtype));
  const placement = plan.placements.get(node);
  if (!placement) throw new InternalError(`%${node.id} (${node.op}) has no place in memory`);
  const elements = sizeOf(node.shape);
  switch (placement.storage) {
    case "param":
      return { storage: "param", param: placement.param, offset: placement.offset, elements };
    case "arena": {
      const byteOffset = placement.region.offset + placement.offset * bytesOf(node.dtype);
      return { storage: "arena", dtype: node.dtype, byteOffset, elements };
    }
    default:
      return placement satisfies never;
  }
}
