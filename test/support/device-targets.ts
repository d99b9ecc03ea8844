import { addonForTests } from "./native.js";

/**
 * The targets that run CUDA kernels here: the emulator where there is a C++ compiler, and with `CORTADO_GPU` set the GPU
 * itself, which must then be there.
 */
export async function deviceTargets(): Promise<readonly ("emulator" | "cuda")[]> {
  if ((await addonForTests()) === undefined) return [];
  return process.env["CORTADO_GPU"] ? ["emulator", "cuda"] : ["emulator"];
}
