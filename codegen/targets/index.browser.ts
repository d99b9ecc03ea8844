import { tsTarget } from "./ts/ts-target.js";
import { wasmTarget } from "./wasm/wasm-target.js";

export type { KernelPass, Rendered, SourceUnit, Target } from "./target.js";
export { tsTarget } from "./ts/ts-target.js";
export { wasmTarget } from "./wasm/wasm-target.js";

/** Every target of the compiler in a browser. Names and choices derive from this list. */
export const TARGETS = [tsTarget, wasmTarget] as const;

export type TargetName = (typeof TARGETS)[number]["name"];
