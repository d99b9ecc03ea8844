import { writeOutLoops } from "../../kernel/write-out-loops.js";
import { laneLowerings } from "../../lanes/lane-lowerings.js";
import { scratchBytesOf } from "../../lanes/own-memory.js";
import { LANE_KERNEL_PASSES, LANE_PASSES } from "../lane-passes.js";
import type { Target } from "../target.js";
import { wasmText } from "./render-wasm.js";
import { wasmDescription } from "./wasm-description.js";

/** What every engine of these years has. */
const DEFAULT_ARCHITECTURE = "simd128";

/** WebAssembly in its vectors, encoded here: for any engine, with nothing to install. */
export const wasmTarget: Target<"wasm"> = {
  name: "wasm",
  about: "kernels in WebAssembly's vectors, for Node and browsers",
  architectures: true,
  dtypes: ["float32"],
  describe: (architecture = DEFAULT_ARCHITECTURE) => wasmDescription(architecture),
  passes: LANE_PASSES,
  lowerings: laneLowerings,
  kernelPasses: [
    ...LANE_KERNEL_PASSES,
    { name: "write out loops", about: "those turns, and short loops, are written out", run: writeOutLoops },
  ],
  scratchBytes: (program) => scratchBytesOf(program.kernels, 4),
  render(program, _dtype, { lanes } = wasmDescription(DEFAULT_ARCHITECTURE)) {
    const text = wasmText(program, { fused: lanes?.fma ?? false });
    return { text, units: [{ symbol: "kernels", source: text }] };
  },
};
