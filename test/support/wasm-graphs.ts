import { NET_PASSES } from "../../codegen/ir/graph.js";
import { printGraph } from "../../codegen/ir/print-graph.js";
import { rangeOf } from "../../codegen/kernel/launch.js";
import { planGraph } from "../../codegen/plan/index.js";
import type { AddressType } from "../../codegen/targets/wasm/instructions.js";
import { wasmBytes } from "../../codegen/targets/wasm/render-wasm.js";
import { WASM_ARCHITECTURES, type WasmArchitecture } from "../../codegen/targets/wasm/wasm-description.js";
import { wasmTarget } from "../../codegen/targets/wasm/wasm-target.js";
import type { EmulatedGraph } from "./emulate.js";
import { disagreement, memoriesOf } from "./graph-memory.js";
import { interpret } from "./interpret.js";
import { lowerFor } from "./pipeline.js";
import { addresses, architectures, moduleMemory } from "./wasm-engine.js";

/** A graph to run on target wasm. */
export interface WasmGraph
  extends Pick<EmulatedGraph, "name" | "graph" | "bindings" | "lowerings" | "fuse" | "check"> {
  /** Default: what this engine does best. */
  readonly architecture?: WasmArchitecture;
}

/** ‖got − wanted‖ / ‖wanted‖ at most. */
const BOUND = 1e-5;

/**
 * Runs graphs as WebAssembly and compares their roots with the interpreter's. Each kernel's iterations are carried out in parts, the
 * last part first, in memory that holds NaN before each; where the engine has memories of 64-bit addresses, every other graph in one. Texts for people: what differs.
 */
export async function runWasmGraphs(cases: readonly WasmGraph[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const [i, one] of cases.entries()) {
    const fault = await runWasmGraph(one, addresses[i % addresses.length]);
    if (fault) faults.push(`${one.name}: ${fault}`);
  }
  return faults;
}

async function runWasmGraph(
  {
    graph,
    bindings,
    lowerings: instead,
    fuse = true,
    check,
    architecture = architectures[architectures.length - 1],
  }: WasmGraph,
  address: AddressType,
): Promise<string | undefined> {
  const plan = planGraph(graph, { realBytes: 4, fuse });
  const description = wasmTarget.describe(architecture);
  const program = lowerFor(wasmTarget, plan, { description, instead, seed: bindings.seed });
  const { allocate, open } = moduleMemory(address);
  const { view, memoryOf, bind } = memoriesOf(plan, program, "float32", allocate);
  const scratch = allocate(wasmTarget.scratchBytes(program));
  const kernels = await open(
    wasmBytes(program, { fused: WASM_ARCHITECTURES[architecture].fma, address }),
    scratch,
  );
  bind(bindings);
  for (const pass of NET_PASSES) {
    for (const launch of program[pass]) {
      const { from, to } = rangeOf(launch, program.kernels[launch.kernel]);
      const parts = Math.min(to - from, 3);
      for (let part = parts - 1; part >= 0; part--) {
        scratch.fill(0xff);
        const [lo, hi] = [part, part + 1].map((end) => from + Math.floor(((to - from) * end) / parts));
        const starts = launch.args.map((at) => view(at).byteOffset);
        kernels[`k${launch.kernel}`](...(address === "i64" ? starts.map(BigInt) : starts), lo, hi);
      }
    }
    for (const { pass: due, from, to } of program.copies) if (due === pass) view(to).set(view(from));
  }
  const expected = interpret(graph, bindings);
  for (const { role, node } of graph.roots) {
    const [got, want] = [memoryOf(node), expected(node)];
    const wrong = check ? check(node, got, want) : disagreement(got, want, BOUND);
    if (wrong)
      return `${role} %${node.id} ${wrong}\n${printGraph(graph)}\n${program.kernels.map((kernel) => kernel.note).join("\n")}`;
  }
  return undefined;
}
