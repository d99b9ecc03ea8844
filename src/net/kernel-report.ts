/** What a plan becomes on a GPU that need not be there: its kernels, what they take, and the least time they need. */

import type { GpuDescription } from "../../codegen/ir/target-description.js";
import { launchShape } from "../../codegen/kernel/launch.js";
import { gpuOf } from "../../codegen/targets/cuda/cuda-description.js";
import { type Occupancy, occupancy } from "../../codegen/targets/cuda/occupancy.js";
import { type Prediction, predict } from "../../codegen/targets/cuda/roofline.js";
import { cudaTarget } from "../../codegen/targets/index.js";
import { compileKernels } from "../../runtime/devices/cuda/compile-kernels.js";
import { requireNvrtc } from "../../runtime/devices/cuda/nvrtc.js";
import type { KernelResources } from "../../runtime/devices/cuda/resources.js";

import type { NetProgram } from "./programs.js";

/** One kernel of a program, compiled. */
export interface KernelReport {
  readonly symbol: string;
  /** What it computes: operation and shapes. */
  readonly note: string;
  readonly launches: { readonly forward: number; readonly backward: number };
  readonly blocks: number;
  readonly threads: number;
  readonly resources: KernelResources | undefined;
  readonly occupancy: Occupancy | undefined;
  /** Of one launch: operations, and bytes with each operand counted once. */
  readonly flops: number;
  readonly bytes: number;
  readonly prediction: Prediction;
  /** Names of the layers that its launches serve, in the order of the net. */
  readonly layers: readonly string[];
}

export interface ProgramReport {
  readonly gpu: GpuDescription;
  readonly nvrtc: string;
  readonly kernels: readonly KernelReport[];
  readonly launches: { readonly forward: number; readonly backward: number };
  /** Layers that have kernels. */
  readonly layers: number;
  /** Wall time of compiling; little where the cubins lay in the cache. */
  readonly compileMilliseconds: number;
  readonly arenaBytes: number;
  /** Sums of the launches' predictions, in seconds. */
  readonly predicted: { readonly forward: number; readonly backward: number };
  readonly flops: { readonly forward: number; readonly backward: number };
}

/**
 * Compiles every kernel of a program with NVRTC, for the architecture ("sm_90") that it was lowered for. Needs neither a
 * GPU nor a driver.
 *
 * @throws CortadoError where NVRTC is missing or does not know the architecture
 */
export async function reportProgram(
  { plan, program }: Pick<NetProgram, "plan" | "program">,
  architecture: string,
): Promise<ProgramReport> {
  const nvrtc = await requireNvrtc();
  const gpu = gpuOf(architecture);
  const { units } = cudaTarget.render(program, "float32");
  const sources = units.map((unit, i) => ({ ...unit, note: program.kernels[i].note }));
  const start = performance.now();
  const cubins = await compileKernels(sources, { arch: architecture, nvrtc });
  const compileMilliseconds = performance.now() - start;

  const passes = ["forward", "backward"] as const;
  const counts = program.kernels.map(() => ({ forward: 0, backward: 0 }));
  const layers = program.kernels.map(() => new Set<string>());
  const predicted = { forward: 0, backward: 0 };
  const flops = { forward: 0, backward: 0 };
  for (const pass of passes)
    for (const { kernel, steps } of program[pass]) {
      counts[kernel][pass]++;
      predicted[pass] += predict(program.kernels[kernel], gpu).seconds;
      flops[pass] += program.kernels[kernel].flops;
      for (const index of steps)
        for (const { origin } of [plan.steps[index].anchor, ...plan.steps[index].stores])
          if (origin !== "") layers[kernel].add(origin);
    }
  return {
    gpu,
    nvrtc: nvrtc.version.join("."),
    kernels: program.kernels.map((kernel, i): KernelReport => {
      const { resources } = cubins[i];
      const shape = launchShape(kernel);
      return {
        symbol: sources[i].symbol,
        note: kernel.note,
        launches: counts[i],
        ...shape,
        resources,
        occupancy: resources && occupancy(gpu, { ...resources, threads: shape.threads }),
        flops: kernel.flops,
        bytes: kernel.bytes,
        prediction: predict(kernel, gpu),
        layers: [...layers[i]],
      };
    }),
    launches: { forward: program.forward.length, backward: program.backward.length },
    layers: new Set(layers.flatMap((names) => [...names])).size,
    compileMilliseconds,
    arenaBytes: program.arenaBytes,
    predicted,
    flops,
  };
}
