import { describe, expect, it } from "vitest";
import type { Graph } from "../../../codegen/ir/graph.js";
import { planGraph } from "../../../codegen/plan/index.js";
import { CUDA_HEADER, CUDA_OPTIONS } from "../../../codegen/targets/cuda/cuda-header.js";
import { renderCuda } from "../../../codegen/targets/cuda/render-cuda.js";
import { cudaTarget } from "../../../codegen/targets/index.js";
import { addonForTests, findNvrtc } from "../../support/native.js";
import { lowerFor } from "../../support/pipeline.js";
import { type ConvCase, convGraph, matmulGraph } from "./contraction-cases.js";

const native = await addonForTests();
const path = findNvrtc();

const square = (axis: ConvCase["axes"][number]): ConvCase["axes"] => [axis, axis];
const LAYERS: Readonly<Record<string, ConvCase>> = {
  "LeNet conv2": { images: 64, channels: 20, filters: 50, axes: square({ kernel: 5, input: 12 }) },
  "AlexNet conv1": {
    images: 64,
    channels: 3,
    filters: 96,
    axes: square({ kernel: 11, input: 227, stride: 4 }),
  },
  "AlexNet conv2": {
    images: 64,
    groups: 2,
    channels: 48,
    filters: 128,
    axes: square({ kernel: 5, input: 27, pad: 2 }),
  },
  "ResNet 3×3": { images: 32, channels: 64, filters: 64, axes: square({ kernel: 3, input: 56, pad: 1 }) },
  "ResNet 1×1": { images: 32, channels: 256, filters: 64, axes: square({ kernel: 1, input: 56 }) },
  "a depthwise one": {
    images: 32,
    groups: 64,
    channels: 1,
    filters: 1,
    axes: square({ kernel: 3, input: 28, pad: 1 }),
  },
};

const graphs: readonly (readonly [string, Graph])[] = [
  ...Object.entries(LAYERS).flatMap(([name, made]) =>
    (["conv", "convData", "convFilter"] as const).map(
      (operation) => [`${operation} of ${name}`, convGraph(operation, made, "relu")] as const,
    ),
  ),
  ["an inner product", matmulGraph({ m: 128, n: 4096, k: 9216, trans: [false, true] }, "relu")],
  ["an inner product of one row", matmulGraph({ m: 1, n: 4096, k: 9216, trans: [false, true] }, "relu")],
];

describe.skipIf(!native || !path)("contractions by NVRTC", () => {
  it.each(["sm_80", "sm_90", "sm_120"])(
    "spill no registers on %s",
    async (architecture) => {
      const { addon } = native!;
      const nvrtc = addon.nvrtcOpen(path!);
      const options = [...CUDA_OPTIONS, `--gpu-architecture=${architecture}`, "--ptxas-options=-v"];
      const compiled = graphs.flatMap(([name, graph]) => {
        const plan = planGraph(graph, { realBytes: 4 });
        const { kernels } = lowerFor(cudaTarget, plan, { description: cudaTarget.describe(architecture) });
        return kernels.map(async (kernel) => {
          const { source } = renderCuda(kernel);
          const headers = [["cortado.h", CUDA_HEADER] as const];
          const { cubin, log } = await addon.nvrtcCompile(nvrtc, source, "kernel.cu", headers, options);
          return { name, note: kernel.note, cubin: cubin !== undefined, log };
        });
      });
      for (const { name, note, cubin, log } of await Promise.all(compiled)) {
        expect(cubin, `${name}, ${note}: ${log}`).toBe(true);
        expect(log, `${name}, ${note}`).toMatch(
          /0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads/,
        );
      }
    },
    300_000,
  );
});
