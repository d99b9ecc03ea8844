import { hoistValues } from "../../kernel/hoist-values.js";
import { turnSums } from "../../kernel/turn-sums.js";
import { writeOutLoops } from "../../kernel/write-out-loops.js";
import { laneLowerings } from "../../lanes/lane-lowerings.js";
import { scratchBytesOf } from "../../lanes/own-memory.js";
import { winogradPass } from "../../lanes/winograd/winograd-pass.js";
import { foldParameters, powersByRoots } from "../../passes/index.js";
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
    { name: "write out loops", about: "those turns, and short loops, are written out", run: writeOutLoops },
  ],
  scratchBytes: (program) => scratchBytesOf(program.kernels, 4),
  render(program) {
    const text = wasmText(program, { fused: false });
    return { text, units: [{ symbol: "kernels", source: text }] };
  },
};
