import {
  IMPORTS,
  kernelName,
  MEMORY,
  SCRATCH_START,
} from "../../../codegen/targets/wasm/module-interface.js";
import { present } from "../../../proto/errors/present.js";
import type { HostKernel, KernelArguments } from "../threads/inline-executor.js";
import type { LinearMemory, WasmFunctions } from "./engine.js";

/**
 * What a module of ours imports.
 *
 * @param scratch where the memory of the thread that runs it begins
 */
export const importsOf = (memory: LinearMemory, scratch: number | bigint) => ({
  [IMPORTS]: { [MEMORY]: memory, [SCRATCH_START]: scratch },
});

/** The names of the first kernels of a module, by number. */
export const kernelNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, number) => kernelName(number));

/** The first kernels of a module, by number. */
export const kernelsIn = (exports: WasmFunctions, count: number): readonly HostKernel[] =>
  kernelNames(count).map((name) => present(exports[name], "a kernel's function") as HostKernel);

/** Kernels take of an array where it begins in their memory. */
export const addressOf: KernelArguments = ({ byteOffset }) => byteOffset;

/** In a memory of 64-bit addresses. */
export const wideAddressOf: KernelArguments = ({ byteOffset }) => BigInt(byteOffset);
