import { join } from "node:path";
import type { CudaCompiler } from "../../../src/artefact/build-cuda.js";
import { type BuildOptions, buildWith } from "../../../src/build-net.js";
import { emulated } from "../../support/emulated.js";
import { newFolder } from "./support.js";

/** A compiler whose kernels only the driver's double loads. */
export const emulatedCompiler: CudaCompiler = {
  version: [13, 0],
  requireArchitecture: () => {},
  compile: emulated,
};

/** As `build` for cuda, for the driver's double. */
export async function buildEmulated(
  net: string,
  options: Omit<BuildOptions, "out" | "target"> = {},
  compiler: CudaCompiler = emulatedCompiler,
): Promise<string> {
  const out = join(await newFolder(), "dist");
  await buildWith(compiler, net, { ...options, target: "cuda", out });
  return out;
}
