import { loopLowerings } from "../../lower/loop-lowerings.js";
import type { Target } from "../target.js";
import { cudaDescription } from "./cuda-description.js";
import { contractionLowerings } from "./lower-contraction.js";
import { cudaListing, renderCuda } from "./render-cuda.js";
import { groupRows } from "./row-groups.js";
import { lowerScatterByElement, lowerWindowScatter } from "./scatter.js";
import { lowerTeamReduce } from "./team-reduce.js";

/** The oldest architecture that those of a release are checked on: kernels made for it run on what is newer. */
const DEFAULT_ARCHITECTURE = "sm_80";

/** CUDA C++ for NVIDIA's GPUs: teams of threads where they do better than one for each element. */
export const cudaTarget: Target<"cuda"> = {
  name: "cuda",
  about: "fused CUDA kernels, compiled by NVRTC for NVIDIA GPUs",
  architectures: true,
  dtypes: ["float32"],
  describe: (architecture = DEFAULT_ARCHITECTURE) => cudaDescription(architecture),
  passes: [],
  lowerings: {
    ...loopLowerings,
    ...contractionLowerings,
    reduce: lowerTeamReduce,
    scatter: lowerScatterByElement,
    windowScatter: lowerWindowScatter,
  },
  groupSteps: groupRows,
  kernelPasses: [],
  // Registers and shared memory.
  scratchBytes: () => 0,
  render(program) {
    const units = program.kernels.map(renderCuda);
    return { text: cudaListing(units), units };
  },
};
