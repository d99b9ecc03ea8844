import { realBytes } from "../../ir/real.js";
import { lowerLaneConv } from "../../lanes/contraction/lane-conv.js";
import { lowerLaneConvData } from "../../lanes/contraction/lane-conv-data.js";
import { lowerLaneConvFilter } from "../../lanes/contraction/lane-conv-filter.js";
import { lowerLaneMatmul } from "../../lanes/contraction/lane-matmul.js";
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
    conv: lowerLaneConv,
    convData: lowerLaneConvData,
    convFilter: lowerLaneConvFilter,
    matmul: lowerLaneMatmul,
  },
  kernelPasses: [],
  scratchBytes: (program) => nativeScratchBytes(program, realBytes("float64")),
  render(program, dtype) {
    const units = program.kernels.map((kernel, number) => renderNative(kernel, number, dtype));
    const preamble = nativePreamble();
    return { text: [preamble, ...units.map(({ source }) => source)].join("\n"), units, preamble };
  },
};
