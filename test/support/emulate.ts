import { type Graph, NET_PASSES, type Node, type Op } from "../../codegen/ir/graph.js";
import { printGraph } from "../../codegen/ir/print-graph.js";
import type { Program } from "../../codegen/kernel/kernel.js";
import { launchShape } from "../../codegen/kernel/launch.js";
import type { Lowering } from "../../codegen/lower/lowering.js";
import { type Plan, planGraph } from "../../codegen/plan/index.js";
import { renderCuda } from "../../codegen/targets/cuda/render-cuda.js";
import { cudaTarget } from "../../codegen/targets/index.js";
import type { Addon, HostMemory } from "../../native/addon.js";
import { buildEmulatorModule, type EmulatorOptions } from "../../runtime/devices/emulator/emulator-module.js";
import { disagreement, type GraphMemory, memoriesOf } from "./graph-memory.js";
import { type Bindings, interpret } from "./interpret.js";
import { lowerFor } from "./pipeline.js";

/** A graph to run on the emulator, and how its steps are lowered where the target's own way is not meant. */
export interface EmulatedGraph {
  readonly name: string;
  readonly graph: Graph;
  readonly bindings: Bindings & { readonly seed: number };
  readonly lowerings?: Partial<Readonly<Record<Op, Lowering>>>;
  /** Default true. */
  readonly fuse?: boolean;
  /** Default true. */
  readonly fuseRows?: boolean;
  /** Says what is wrong with a root's value, if anything; in place of the comparison with the interpreter's. */
  readonly check?: (node: Node, got: GraphMemory, want: Float64Array) => string | undefined;
}

/**
 * Runs graphs on the emulator, all of them from one module, since building takes longest, and compares their roots
 * with the interpreter's: ‖got − wanted‖ ≤ 1e-4 · ‖wanted‖. Texts for people: what a detector found, or which root of
 * which graph differs; none is right.
 */
export async function emulateGraphs(
  addon: Addon,
  cases: readonly EmulatedGraph[],
  options: EmulatorOptions = {},
): Promise<readonly string[]> {
  const prepared = cases.map((one) => {
    const plan = planGraph(one.graph, { realBytes: 4, fuse: one.fuse ?? true });
    const { seed } = one.bindings;
    const { lowerings, fuseRows } = one;
    const program = lowerFor(cudaTarget, plan, { seed, instead: lowerings, group: fuseRows });
    return { ...one, plan, program };
  });
  const sources = prepared.flatMap(({ program }) => program.kernels.map(renderCuda));
  const module = addon.hostOpen(await buildEmulatorModule(sources, options));
  const faults: string[] = [];
  let first = 0;
  try {
    for (const { name, graph, bindings, plan, program, check } of prepared) {
      const fault = await runOne(addon, module, first, plan, program, bindings, graph, check);
      if (fault) faults.push(`${name}: ${fault}`);
      first += program.kernels.length;
    }
  } finally {
    addon.hostClose(module);
  }
  return faults;
}

/** ‖got − wanted‖ / ‖wanted‖ at most. */
export const BOUND = 1e-4;

async function runOne(
  addon: Addon,
  module: ReturnType<Addon["hostOpen"]>,
  first: number,
  plan: Plan,
  program: Program,
  bindings: Bindings,
  graph: Graph,
  check?: EmulatedGraph["check"],
): Promise<string | undefined> {
  const { view, memoryOf, bind } = memoriesOf(plan, program, "float32");
  bind(bindings);
  for (const pass of NET_PASSES) {
    const launches = program[pass].map(({ kernel, args }) => ({
      kernel: first + kernel,
      ...launchShape(program.kernels[kernel]),
      args: args.map((at) => view(at) as HostMemory),
    }));
    try {
      if (launches.length > 0) await addon.hostRun(addon.hostPlan(module, launches));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    for (const { pass: due, from, to } of program.copies) if (due === pass) view(to).set(view(from));
  }
  const expected = interpret(graph, bindings);
  for (const { role, node } of graph.roots) {
    if (role === "update") continue;
    const [got, want] = [memoryOf(node) as HostMemory, expected(node)];
    const wrong = check ? check(node, got, want) : disagreement(got, want, BOUND);
    if (wrong)
      return `${role} %${node.id} ${wrong}\n${printGraph(graph)}\n${program.kernels.map((kernel) => kernel.note).join("\n")}`;
  }
  return undefined;
}
