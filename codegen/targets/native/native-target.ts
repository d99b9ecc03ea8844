import { realBytes } from "../../ir/real.js";
import { hoistValues } from "../../kernel/hoist-values.js";
import { turnSums } from "../../kernel/turn-sums.js";
import { laneLowerings } from "../../lanes/lane-lowerings.js";
import { scratchBytesOf } from "../../lanes/own-memory.js";
import { winogradPass } from "../../lanes/winograd/winograd-pass.js";
import { foldParameters, powersByRoots } from "../../passes/index.js";
import type { Target } from "../target.js";
import { nativeDescription } from "./native-description.js";
import { nativePreamble } from "./native-preamble.js";
import { renderNative } from "./render-native.js";

/** Vectors that nearly every processor of a desktop or a server has had for ten years. */
const DEFAULT_ARCHITECTURE = "avx2";

/** C++ in the processor's widest vectors, compiled by the system's compiler. */
export const nativeTarget: Target<"native"> = {
  name: "native",
  about: "kernels in this processor's vectors, compiled by the system's C++ compiler",
  architectures: true,
  dtypes: ["float32", "float64"],
  describe: (architecture = DEFAULT_ARCHITECTURE) => nativeDescription(architecture),
  passes: [
    {
      name: "fold parameters",
      about: "in inference, what parameters alone determine is computed once: BatchNorm and Scale",
      run: foldParameters,
    },
    { name: "powers by roots", about: "x^(−3/4) and its kin are made of square roots", run: powersByRoots },
    winogradPass,
  ],
  lowerings: laneLowerings,
  kernelPasses: [
    {
      name: "hoist values",
      about: "reals that a loop does not change are computed in front of it",
      run: hoistValues,
    },
    {
      name: "turn sums",
      about: "loops that sum products make some turns between two tests for their end",
      run: turnSums,
    },
  ],
  scratchBytes: (program) => scratchBytesOf(program.kernels, realBytes("float64")),
  render(program, dtype) {
    const units = program.kernels.map((kernel, number) => renderNative(kernel, number, dtype));
    const sources = units.map(({ source }) => source);
    const preamble = nativePreamble(dtype, sources);
    return { text: [preamble, ...sources].join("\n"), units, preamble };
  },
};
