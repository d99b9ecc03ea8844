import { type Graph, NET_PASSES, type NetPass, type Node, type Root } from "../../codegen/ir/graph.js";
import { printGraph } from "../../codegen/ir/print-graph.js";
import type { Program } from "../../codegen/kernel/kernel.js";
import { rangeOf } from "../../codegen/kernel/launch.js";
import type { Lowerings } from "../../codegen/lower/lowering.js";
import type { Plan } from "../../codegen/plan/plan.js";
import { nativeTarget, tsTarget } from "../../codegen/targets/index.js";
import { type KernelFunction, loadKernels, transpile } from "../../codegen/targets/ts/ts-module.js";
import { relativeError } from "./case.js";
import { memoriesOf } from "./graph-memory.js";
import type { Bindings } from "./interpret.js";
import { lowerFor, tsSource } from "./pipeline.js";
import { type Buffer, runInLanes } from "./run-lanes.js";

type RealArray = Float32Array | Float64Array;

/** A plan made into functions over memory of its own: what tests and benchmarks of kernels need. */
export interface Runnable {
  readonly program: Program;
  readonly source: string;
  readonly kernels: readonly KernelFunction[];
  /** Writes the leaves' values, then runs all passes. `split` cuts each kernel's range into so many parts. */
  run(bindings: Bindings, split?: number): void;
  /** Runs the launches of one pass, handing each launch's milliseconds to `timed`. */
  pass(pass: NetPass, split?: number, timed?: (launch: number, ms: number) => void): void;
  /** A root's value, or that of any node with a place in memory. */
  read(node: Node): RealArray | Int32Array;
}

export interface RunOptions {
  readonly dtype: "float32" | "float64";
  readonly seed?: number;
  /** Other lowerings than the target's own. */
  readonly instead?: Partial<Lowerings>;
  /** Kernels of target native for vectors of so many bytes, interpreted lane by lane; absent: the `ts` target's, run. */
  readonly vectorBytes?: 16 | 32 | 64;
}

export function makeRunnable(plan: Plan, options: RunOptions): Runnable {
  const { dtype } = options;
  const { program, source, kernels } = options.vectorBytes ? inLanes(plan, options) : onTs(plan, options);
  const { view: viewOf, memoryOf: read, bind } = memoriesOf(plan, program, dtype);
  const bound = (pass: NetPass) =>
    program[pass].map((launch) => ({ ...launch, views: launch.args.map(viewOf) }));
  const launches = { prepare: bound("prepare"), forward: bound("forward"), backward: bound("backward") };

  const runnable: Runnable = {
    program,
    source,
    kernels,
    read,
    pass(pass, split = 1, timed) {
      launches[pass].forEach((launch, number) => {
        const { kernel, views } = launch;
        const start = performance.now();
        const { from, to } = rangeOf(launch, program.kernels[kernel]);
        for (let part = 0; part < split; part++) {
          const lo = from + Math.floor(((to - from) * part) / split);
          const hi = from + Math.floor(((to - from) * (part + 1)) / split);
          if (lo < hi) kernels[kernel](...views, lo, hi);
        }
        timed?.(number, performance.now() - start);
      });
      for (const copy of program.copies) if (copy.pass === pass) viewOf(copy.to).set(viewOf(copy.from));
    },
    run(bindings, split = 1) {
      bind(bindings);
      for (const pass of NET_PASSES) runnable.pass(pass, split);
    },
  };
  return runnable;
}

function onTs(plan: Plan, { dtype, seed = 1, instead }: RunOptions) {
  const program = lowerFor(tsTarget, plan, { dtype, seed, instead });
  const source = tsSource(program, dtype);
  return { program, source, kernels: loadKernels(transpile(source), "cortado:test") };
}

function inLanes(plan: Plan, { dtype, seed = 1, instead, vectorBytes = 32 }: RunOptions) {
  const architecture = ({ 16: "sse", 32: "avx2", 64: "avx512" } as const)[vectorBytes];
  const description = nativeTarget.describe(architecture);
  const program = lowerFor(nativeTarget, plan, { dtype, seed, instead, description });
  const kernels = program.kernels.map(
    (kernel): KernelFunction =>
      (...given) => {
        const [from, to] = given.slice(-2) as [number, number];
        runInLanes(kernel, given.slice(0, -2) as Buffer[], { from, to }, dtype === "float32");
      },
  );
  return { program, source: nativeTarget.render(program, dtype).text, kernels };
}

/** Roots whose value is in memory after both passes have run: `update` roots are moved to their parameter. */
export const readableRoots = (roots: readonly Root[]): readonly Root[] =>
  roots.filter((root) => root.role !== "update");

/** What differs between a graph's roots as a runnable has computed them and as the interpreter says, if anything. */
export function differenceFrom(
  expected: (node: Node) => Float64Array,
  { roots }: Graph,
  net: Runnable,
): string | undefined {
  for (const { role, node } of roots) {
    const [got, want] = [net.read(node), expected(node)];
    for (let i = 0; i < want.length; i++)
      if (
        !Object.is(got[i], want[i]) &&
        !(Math.abs(got[i] - want[i]) <= 1e-9 * Math.max(1, Math.abs(want[i])))
      )
        return `${role} %${node.id}[${i}]: ${got[i]}, not ${want[i]}\n${printGraph({ roots })}\n${net.source}`;
  }
  return undefined;
}

/** ‖got − wanted‖ / ‖wanted‖ of a graph's roots, of which the worst: as a runnable has computed them, and as the interpreter says. */
export const distanceFrom = (
  expected: (node: Node) => Float64Array,
  { roots }: Graph,
  net: Runnable,
): number => Math.max(...roots.map(({ node }) => relativeError(net.read(node), expected(node))));
