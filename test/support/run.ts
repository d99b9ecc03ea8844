import { type Node, type Root, sizeOf } from "../../codegen/ir/graph.js";
import type { Argument, Program } from "../../codegen/kernel/kernel.js";
import { rangeOf } from "../../codegen/kernel/launch.js";
import type { Lowerings } from "../../codegen/lower/lowering.js";
import type { Plan } from "../../codegen/plan/plan.js";
import { nativeTarget, tsTarget } from "../../codegen/targets/index.js";
import { type KernelFunction, loadKernels, transpile } from "../../codegen/targets/ts/ts-module.js";
import type { Bindings } from "./interpret.js";
import { lowerFor, tsSource } from "./pipeline.js";
import { type Buffer, runInLanes } from "./run-lanes.js";

type RealArray = Float32Array | Float64Array;

/** A plan made into functions over memory of its own: what tests and benchmarks of kernels need. */
export interface Runnable {
  readonly program: Program;
  readonly source: string;
  readonly kernels: readonly KernelFunction[];
  /** Writes the leaves' values, then runs both passes. `split` cuts each kernel's range into so many parts. */
  run(bindings: Bindings, split?: number): void;
  /** Runs the launches of one pass, handing each launch's milliseconds to `timed`. */
  pass(pass: "forward" | "backward", split?: number, timed?: (launch: number, ms: number) => void): void;
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
  const real = dtype === "float32" ? Float32Array : Float64Array;
  const arena = new ArrayBuffer(program.arenaBytes);
  // What no kernel wrote must not look like a result.
  new Uint8Array(arena).fill(0xff);
  const params: RealArray[] = [];
  for (const node of plan.placements.keys())
    if (node.op === "param") params[node.index] ??= new real(sizeOf(node.shape));
  for (const place of plan.placements.values())
    if (place.storage === "param") params[place.param] ??= new real(0);

  const viewOf = (argument: Argument): RealArray | Int32Array =>
    argument.storage === "param"
      ? params[argument.param].subarray(argument.offset, argument.offset + argument.elements)
      : new (argument.dtype === "index" ? Int32Array : real)(arena, argument.byteOffset, argument.elements);
  const read = (node: Node): RealArray | Int32Array => {
    const place = plan.placements.get(node);
    if (!place) throw new Error(`%${node.id} lies nowhere`);
    const elements = sizeOf(node.shape);
    if (place.storage === "param")
      return viewOf({ storage: "param", param: place.param, offset: place.offset, elements });
    const size = node.dtype === "index" ? 4 : real.BYTES_PER_ELEMENT;
    const byteOffset = place.region.offset + place.offset * size;
    return viewOf({ storage: "arena", dtype: node.dtype, byteOffset, elements });
  };
  const bound = (pass: "forward" | "backward") =>
    program[pass].map((launch) => ({ ...launch, views: launch.args.map(viewOf) }));
  const launches = { forward: bound("forward"), backward: bound("backward") };

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
      for (const node of plan.placements.keys()) {
        if (node.op === "input") {
          const value =
            bindings.inputs.get(node.name) ??
            (node.shape.length === 0 ? Float64Array.of(bindings.step ?? 0) : undefined);
          if (!value) throw new Error(`no value for input ${node.name}`);
          read(node).set(value);
        }
        if (node.op === "param") params[node.index].set(bindings.params.get(node.index)!);
      }
      runnable.pass("forward", split);
      runnable.pass("backward", split);
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
  const lowered = lowerFor(nativeTarget, plan, { dtype, seed, instead, description });
  const passed = lowered.kernels.map((kernel) =>
    nativeTarget.kernelPasses.reduce((made, pass) => pass.run(made, description), kernel),
  );
  const program = { ...lowered, kernels: passed };
  const kernels = passed.map(
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
