import { cudaTarget } from "./cuda/cuda-target.js";
import { nativeTarget } from "./native/native-target.js";
import { tsTarget } from "./ts/ts-target.js";
import { wasmTarget } from "./wasm/wasm-target.js";

export { cudaTarget } from "./cuda/cuda-target.js";
export { nativeTarget } from "./native/native-target.js";
export type { KernelPass, Rendered, SourceUnit, Target } from "./target.js";
export { tsTarget } from "./ts/ts-target.js";
export { wasmTarget } from "./wasm/wasm-target.js";

/** Every target of the compiler. Names, choices and help texts derive from this list. */
export const TARGETS = [tsTarget, wasmTarget, nativeTarget, cudaTarget] as const;

export type TargetName = (typeof TARGETS)[number]["name"];
