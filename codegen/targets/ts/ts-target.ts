import { loopLowerings } from "../../lower/loop-lowerings.js";
import type { Target } from "../target.js";
import { renderTypeScript, scratchBytes } from "./render-ts.js";
import { tsDescription } from "./ts-description.js";

/** Specialised TypeScript loops: readable, for any JavaScript engine, in either real type. */
export const tsTarget: Target<"ts"> = {
  name: "ts",
  about: "specialised TypeScript loops, which run anywhere",
  architectures: false,
  dtypes: ["float32", "float64"],
  describe: () => tsDescription,
  passes: [],
  lowerings: loopLowerings,
  kernelPasses: [],
  scratchBytes,
  render(program, dtype) {
    const text = renderTypeScript(program, dtype);
    return { text, units: [{ symbol: "kernels", source: text }] };
  },
};
