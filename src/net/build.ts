import type { Argument, Program } from "../../codegen/kernel.js";
import { lowerPlan } from "../../codegen/lower.js";
import type { Device, Executor, ParamStore } from "../../runtime/device.js";
import { type RealType, realBytes } from "../../runtime/memory.js";
import { InternalError } from "../errors/index.js";
import type { GraphBuilder } from "../ir/builder.js";
import { type DType, type Graph, type Node, sizeOf } from "../ir/graph.js";
import { runPasses } from "../passes/index.js";
import { planGraph } from "../plan/index.js";
import { quoteName } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";

/** A graph made ready to run: its plan, its kernels, their source, and the memory they are bound to. */
export interface Built {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly program: Program;
  /** The generated code, in the language of its target. */
  readonly source: string;
  readonly executor: Executor;
  /** Where an input's value is to be written; undefined where nothing in the graph reads it. */
  readonly inputs: ReadonlyMap<string, Argument>;
}

export interface BuildOptions {
  readonly device: Device;
  /** Allocated on the device. */
  readonly params: ParamStore;
  readonly seed: number;
  readonly threads: number;
  /** Keep what backward reads, so that it can run more than once after one forward. Default true. */
  readonly repeatBackward?: boolean;
}

/** Graph → passes → plan → kernels → source → launches over memory. */
export async function build(graph: Graph, builder: GraphBuilder, options: BuildOptions): Promise<Built> {
  const { device, params, seed, threads, repeatBackward = true } = options;
  const optimised = runPasses(graph, builder);
  const plan = planGraph(optimised, { realBytes: realBytes(params.dtype), repeatBackward });
  const program = lowerPlan(plan, { dtype: params.dtype, target: device.description, seed });
  const describe = (steps: readonly number[]): string => layersOf(plan, steps);
  const { source, executor } = await device.load(program, params, { threads, describe });
  const inputs = new Map<string, Argument>();
  for (const node of plan.placements.keys()) {
    if (node.op === "input") inputs.set(node.name, locate(plan, node, params.dtype));
  }
  return { graph: optimised, plan, program, source, executor, inputs };
}

/** The layers that steps compute, quoted, in the order of their nodes. */
function layersOf({ steps }: Plan, indices: readonly number[]): string {
  const nodes = indices.flatMap((index) => [...steps[index].inlined, ...steps[index].stores]);
  const origins = nodes.sort((a, b) => a.id - b.id).map(({ origin }) => origin);
  return [...new Set(origins)]
    .filter((origin) => origin !== "")
    .map(quoteName)
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
