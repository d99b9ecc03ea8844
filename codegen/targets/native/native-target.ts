import { lowerWinograd } from "../../lanes/winograd/lower-winograd.js";
import { realBytes } from "../../ir/real.js";
import { loopLowerings } from "../../lower/loop-lowerings.js";
import type { Target } from "../target.js";
import { nativeDescription } from "./native-description.js";
import { nativePreamble } from "./native-preamble.js";
import { nativeScratchBytes, renderNative } from "./render-native.js";

/** Vectors that nearly every processor of a desktop or a server has had for ten years. */
const DEFAULT_ARCHITECTURE = "avx2";

/** C++ in the processor's widest vectors, compiled by the system's compiler. */
export const nativeTarget: Target<"native"> = {
  name: "native",
  about: "kernels in this processor's vectors, compiled by the system's C++ compiler",
  dtypes: ["float32", "float64"],
  describe: (architecture = DEFAULT_ARCHITECTURE) => nativeDescription(architecture),
  passes: [],
  lowerings: {
    ...loopLowerings,
    conv: lowerWinograd,
    convData: lowerWinograd,
  },
  kernelPasses: [],
  scratchBytes: (program) => nativeScratchBytes(program, realBytes("float64")),
  render(program, dtype) {
    const units = program.kernels.map((kernel, number) => renderNative(kernel, number, dtype));
    const preamble = nativePreamble();
    return { text: [preamble, ...units.map(({ source }) => source)].join("\n"), units, preamble };
  },
};
