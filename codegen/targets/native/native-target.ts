import { realBytes } from "../../ir/real.js";
import { laneLowerings } from "../../lanes/lane-lowerings.js";
import { scratchBytesOf } from "../../lanes/own-memory.js";
import { LANE_KERNEL_PASSES, LANE_PASSES } from "../lane-passes.js";
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
  passes: LANE_PASSES,
  lowerings: laneLowerings,
  kernelPasses: LANE_KERNEL_PASSES,
  scratchBytes: (program) => scratchBytesOf(program.kernels, realBytes("float64")),
  render(program, dtype) {
    const units = program.kernels.map((kernel, number) => renderNative(kernel, number, dtype));
    const sources = units.map(({ source }) => source);
    const preamble = nativePreamble(dtype, sources);
    return { text: [preamble, ...sources].join("\n"), units, preamble };
  },
};
