/**
 * docs/CUDA.md: its listings are what the compiler prints. This test writes the page anew and compares:
 * `npx vitest run test/docs -u` accepts a change.
 */

import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { Kernel, Program } from "../../codegen/kernel/kernel.js";
import { launchShape } from "../../codegen/kernel/launch.js";
import { planGraph } from "../../codegen/plan/index.js";
import { CUDA_HEADER, CUDA_OPTIONS } from "../../codegen/targets/cuda/cuda-header.js";
import { renderCuda } from "../../codegen/targets/cuda/render-cuda.js";
import { cudaTarget } from "../../codegen/targets/index.js";
import { table } from "../../src/cli/text.js";
import { objectiveGraph } from "../../src/net/objective.js";
import { lowerText } from "../support/lowered.js";
import { lowerFor, optimise } from "../support/pipeline.js";

const ARCHITECTURE = "sm_90";

/** LeNet as Caffe trains it, with the ReLU that its users put on conv1, in place. */
const LENET = `
layer { name: "mnist" type: "Input" top: "data" top: "label"
  input_param { shape { dim: 64 dim: 1 dim: 28 dim: 28 } shape { dim: 64 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 20 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "relu0" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 50 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
  inner_product_param { num_output: 500 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
`;

const fenced = (text: string, language = "text"): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

function programOf(): { program: Program; layersOf: (steps: readonly number[]) => string } {
  const lowered = lowerText(LENET, { phase: "TRAIN" });
  const graph = objectiveGraph(lowered, { backward: true, seeds: [], keep: [] });
  const plan = planGraph(optimise(graph, lowered.builder), { realBytes: 4 });
  const program = lowerFor(cudaTarget, plan, { description: cudaTarget.describe(ARCHITECTURE), seed: 1701 });
  const layersOf = (steps: readonly number[]): string => {
    const nodes = steps.flatMap((index) => [plan.steps[index].anchor, ...plan.steps[index].stores]);
    return [...new Set(nodes.map(({ origin }) => origin).filter((origin) => origin !== ""))].join(", ");
  };
  return { program, layersOf };
}

const shape = (kernel: Kernel): string => {
  const { blocks, threads } = launchShape(kernel);
  return `${blocks}×${threads}`;
};

function page(): string {
  const { program, layersOf } = programOf();
  const rows = (["forward", "backward"] as const).flatMap((pass) =>
    program[pass].map(({ kernel, steps }) => [
      pass,
      layersOf(steps),
      shape(program.kernels[kernel]),
      program.kernels[kernel].note,
    ]),
  );
  const launches = table(
    [{ title: "pass" }, { title: "layers" }, { title: "blocks×threads", align: "right" }, { title: "what" }],
    rows,
  );
  const conv1 = renderCuda(program.kernels[program.forward[0].kernel]);
  const pool1 = renderCuda(program.kernels[program.forward[1].kernel]);
  return `# CUDA

\`compile(net, { target: "cuda" })\` runs a net on a GPU by NVIDIA. The graph, the plan and the kernel language are those
of every target; a description of the GPU, a renderer and a launcher are all that is CUDA's own. No layer has a line
for it. Every listing on this page is what the compiler prints; a test writes the page anew.

## How a net becomes kernels

1. **Plan.** As on every target: steps, each a loop nest with the element-wise nodes fused into it, and one arena. In
   backward nothing is accumulated into memory by several threads: pooling, LRN and the gradients of convolutions gather.
2. **Rows.** Neighbouring steps that work on the same rows (a softmax: greatest, sum of exponentials, quotient) become
   one kernel where a row fits a block (\`codegen/targets/cuda/row-groups.ts\`).
3. **Lowering** (\`codegen/targets/cuda/\`). matmul, the convolution and its two adjoints are one tiled contraction over implicit
   operands: tiles in shared memory, sums in registers, the next tile on its way while this one is multiplied. Nothing
   like im2col is ever in memory. Few results with long sums (filter gradients, small batches) are split into parts,
   whose sums go to a workspace behind the arena and are added in order by a second kernel. Reductions are trees of lane
   exchanges in a fixed order. Everything else has one thread for each element.
4. **Cost.** Tile shapes, depths and parts come from one model (\`codegen/targets/cuda/schedule-cost.ts\`) over the GPU's figures
   (\`codegen/targets/cuda/cuda-description.ts\`) and the shape of the product. The figures are reasoned, not fitted: no GPU has been at hand.
5. **Text** (\`codegen/targets/cuda/render-cuda.ts\`). A table from the kernel language to CUDA C++. Indices are 32 bits wide where
   every sum and product is proved to fit, else 64.
6. **NVRTC**, in parallel, with the cubins kept by content in the user's cache folder; then one CUDA graph for each pass.

LeNet at batch 64, with a ReLU on conv1, a training pass on \`${ARCHITECTURE}\`: ${program.kernels.length} kernels, ${program.forward.length + program.backward.length} launches.

${fenced(launches.join("\n"))}

\`cortado time NET --target cuda --dry-run --arch ${ARCHITECTURE}\` prints such a table with registers, spills, shared memory,
occupancy and a predicted least time for each kernel. It needs NVRTC and no GPU.

## conv1 with its ReLU inside

Bias and ReLU are computed where the convolution's sums leave the tile: conv1 without the ReLU is never in memory.

${fenced(conv1.source, "cpp")}

## pool1

The maximum, and the position that backward will want.

${fenced(pool1.source, "cpp")}

## What a source may use

A source includes \`cortado.h\` and nothing else. For NVRTC that is

${fenced(CUDA_HEADER, "cpp")}

and the options are \`${CUDA_OPTIONS.join(" ")}\` and the architecture. A product and a sum are fused only where a kernel says
\`fmaf\`: so an expression has the same bits in whatever kernel it stands, fused or not.

## Proof without a GPU

Target \`"emulator"\` compiles the very same sources with the system's C++ compiler against another \`cortado.h\`
([native/emulator/](../native/emulator/README.md)) and runs them on the CPU: blocks in turn, threads as fibres. It finds
accesses outside a buffer or a shared array, shared words nobody wrote, races in shared and global memory, and barriers
that not all threads reach. The oracle's layers, five whole nets and a training trace run so in the tests. The launcher
itself is tested against a double of the driver that runs emulator kernels. What is not proved without a GPU: the driver's
real behaviour, and speed.

## What it needs

| to | needs |
|---|---|
| compile | the addon; NVRTC 12 or 13: \`pip install nvidia-cuda-nvrtc\`, a CUDA toolkit, or \`CORTADO_NVRTC\` (a file or a folder) |
| run | the addon; NVIDIA's driver: branch 525 or newer for what NVRTC 12 compiled, 580 or newer for NVRTC 13; a GPU of compute capability 7.5 or newer |
| deploy | [cortado build](DEPLOY.md): cubins, so that the machine needs the driver only |

The npm package brings the addon for linux-x64; from a clone, \`npm run build:native\` makes it with the system's C++
compiler in a few seconds. \`cortado device_query\` tells what is there, or why it is not.

| variable | meaning |
|---|---|
| \`CORTADO_NVRTC\` | libnvrtc, or its folder |
| \`CORTADO_DRIVER\` | another libcuda.so.1 |
| \`CORTADO_ADDON\` | another cortado.node |
| \`CORTADO_CACHE\` | the cache folder (default \`~/.cache/cortado\`) |
| \`CORTADO_NO_COMPILE\` | refuse to compile: every cubin must be in the cache |
| \`CUDA_LAUNCH_BLOCKING=1\` | launch kernels one by one, so that a fault names its kernel and layers |
| \`CUDA_VISIBLE_DEVICES\` | the driver's own: which GPUs there are, in which order |

## Memory

Parameters, activations, gradients and the solver's state stay on the GPU; inputs and outputs cross through pinned
memory. Before anything is allocated the sum of parameters, history and the plan's peak is compared with what is free, and
refused, part by part, if it does not fit.
`;
}

it("docs/CUDA.md shows what the compiler prints", async () => {
  await expect(page()).toMatchFileSnapshot(fileURLToPath(new URL("../../docs/CUDA.md", import.meta.url)));
});
