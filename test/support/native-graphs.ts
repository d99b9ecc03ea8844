import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { NET_PASSES } from "../../codegen/ir/graph.js";
import { printGraph } from "../../codegen/ir/print-graph.js";
import type { RealType } from "../../codegen/ir/real.js";
import type { Program } from "../../codegen/kernel/kernel.js";
import { type Plan, planGraph } from "../../codegen/plan/index.js";
import type { NativeArchitecture } from "../../codegen/targets/native/native-description.js";
import { nativePreamble } from "../../codegen/targets/native/native-preamble.js";
import { nativeTarget } from "../../codegen/targets/native/native-target.js";
import { renderNative } from "../../codegen/targets/native/render-native.js";
import type { Addon, HostMemory } from "../../native/addon.js";
import { findCompiler } from "../../native/build.mjs";
import type { EmulatedGraph } from "./emulate.js";
import { disagreement, type GraphMemory, memoriesOf } from "./graph-memory.js";
import { interpret } from "./interpret.js";
import { lowerFor } from "./pipeline.js";

/** A graph to run on target native, and in whose vectors. */
export interface NativeGraph
  extends Pick<EmulatedGraph, "name" | "graph" | "bindings" | "lowerings" | "fuse" | "check"> {
  readonly dtype: RealType;
  readonly architecture: NativeArchitecture;
}

/** ‖got − wanted‖ / ‖wanted‖ at most. */
const BOUNDS: Readonly<Record<RealType, number>> = { float32: 1e-5, float64: 1e-12 };

/**
 * Runs graphs in lanes, all from one module, and compares their roots with the interpreter's. Each kernel's iterations
 * are carried out in parts, the last part first, in memory that holds NaN before each. Texts for people: what differs.
 */
export async function runNativeGraphs(
  addon: Addon,
  folder: string,
  cases: readonly NativeGraph[],
): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const dtype of new Set(cases.map((one) => one.dtype)))
    faults.push(
      ...(await runOfType(
        addon,
        folder,
        dtype,
        cases.filter((one) => one.dtype === dtype),
      )),
    );
  return faults;
}

/** A module's preamble is for reals of one type. */
async function runOfType(
  addon: Addon,
  folder: string,
  dtype: RealType,
  cases: readonly NativeGraph[],
): Promise<readonly string[]> {
  const prepared = cases.map((one) => {
    const { graph, architecture, lowerings: instead, bindings, fuse = true } = one;
    const plan = planGraph(graph, { realBytes: dtype === "float32" ? 4 : 8, fuse });
    const description = nativeTarget.describe(architecture);
    const program = lowerFor(nativeTarget, plan, { dtype, description, instead, seed: bindings.seed });
    return { ...one, plan, program };
  });
  const module = addon.hostOpen(compile(folder, dtype, prepared));
  const faults: string[] = [];
  let first = 0;
  try {
    for (const one of prepared) {
      const fault = await runOne(addon, module, first, one);
      if (fault) faults.push(`${one.name}, ${one.dtype}, ${one.architecture}: ${fault}`);
      first += one.program.kernels.length;
    }
  } finally {
    addon.hostClose(module);
  }
  return faults;
}

/** A library is its path. */
let made = 0;

/** The addon passes on where an array lies, and asks for one of two kinds. */
const addressed = (memory: GraphMemory): HostMemory =>
  memory instanceof Float64Array
    ? new Float32Array(memory.buffer, memory.byteOffset, 2 * memory.length)
    : memory;

interface Prepared extends NativeGraph {
  readonly plan: Plan;
  readonly program: Program;
}

function compile(folder: string, dtype: RealType, prepared: readonly Prepared[]): string {
  let first = 0;
  const units = prepared.flatMap(({ program }) =>
    program.kernels.map((kernel) => renderNative(kernel, first++, dtype)),
  );
  const scratch = Math.max(0, ...prepared.map(({ program }) => nativeTarget.scratchBytes(program)));
  const source = `${nativePreamble(dtype)}
${units.map((unit) => unit.source).join("\n")}
struct View { void* data; unsigned long elements; };
alignas(64) static unsigned char scratch[${scratch + 64}];
typedef void (*Kernel)(void* const*, long, long, char*);
static const Kernel kernels[] = {${units.map(({ symbol }) => symbol).join(", ")}};
extern "C" __attribute__((visibility("default"))) const char* cortado_run(unsigned kernel, const View* args, unsigned count, unsigned iterations, unsigned) {
  void* memory[64];
  for (unsigned i = 0; i < count; i++) memory[i] = args[i].data;
  const long parts = iterations < 3 ? iterations : 3;
  for (long part = parts - 1; part >= 0; part--) {
    for (unsigned char& byte : scratch) byte = 0xff;
    kernels[kernel](memory, iterations * part / parts, iterations * (part + 1) / parts, (char*)scratch);
  }
  return nullptr;
}
`;
  const [input, output] = [join(folder, `${dtype}.cc`), join(folder, `${dtype}-${made++}.so`)];
  writeFileSync(input, source);
  const [command = "g++", ...given] = findCompiler() ?? [];
  const flags = ["-std=c++17", "-O1", "-march=native", "-ffp-contract=off", "-fno-math-errno"];
  execFileSync(command, [...given, ...flags, "-shared", "-fPIC", "-w", "-o", output, input], {
    stdio: "pipe",
  });
  return output;
}

async function runOne(
  addon: Addon,
  module: ReturnType<Addon["hostOpen"]>,
  first: number,
  { graph, bindings, plan, program, dtype, check }: Prepared,
): Promise<string | undefined> {
  const { view, memoryOf, bind } = memoriesOf(plan, program, dtype);
  bind(bindings);
  for (const pass of NET_PASSES) {
    const launches = program[pass].map(({ kernel, args }) => ({
      kernel: first + kernel,
      blocks: program.kernels[kernel].parallel.extent,
      threads: 1,
      args: args.map((at) => addressed(view(at))),
    }));
    if (launches.length > 0) await addon.hostRun(addon.hostPlan(module, launches));
    for (const { pass: due, from, to } of program.copies) if (due === pass) view(to).set(view(from));
  }
  const expected = interpret(graph, bindings);
  for (const { role, node } of graph.roots) {
    const [got, want] = [memoryOf(node), expected(node)];
    const wrong = check ? check(node, got, want) : disagreement(got, want, BOUNDS[dtype]);
    if (wrong)
      return `${role} %${node.id} ${wrong}\n${printGraph(graph)}\n${program.kernels.map((kernel) => kernel.note).join("\n")}`;
  }
  return undefined;
}
