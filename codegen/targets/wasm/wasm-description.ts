import type { LanesDescription, TargetDescription } from "../../ir/target-description.js";
import { laneDescription } from "../lane-description.js";

/**
 * What engines of WebAssembly have, the oldest first. V8 before version 13 keeps no more than eight sums in registers, and of
 * several turns that are written out it loads everything first, and spills it. Caches are those of a modest core, since an
 * engine does not tell them.
 */
export const WASM_ARCHITECTURES = {
  /** Products and sums, each rounded. */
  simd128: lanes({ fma: false, accumulators: 8, turns: 1 }),
  /** With the relaxed multiply-add. */
  relaxed: lanes({ fma: true, accumulators: 8, turns: 1 }),
  /** With memory of 64-bit addresses: engines that have it keep more sums, whether a net needs such memory or not. */
  memory64: lanes({ fma: true, accumulators: 12, turns: 4 }),
} as const satisfies Readonly<Record<string, LanesDescription>>;

export type WasmArchitecture = keyof typeof WASM_ARCHITECTURES;

function lanes(engine: Pick<LanesDescription, "fma" | "accumulators" | "turns">): LanesDescription {
  return { vectorBytes: 16, registers: 16, ...engine, l1Bytes: 32 * 1024, l2Bytes: 512 * 1024 };
}

/** An engine of WebAssembly. @throws CortadoError for an architecture that is not known */
export const wasmDescription = (architecture: string): TargetDescription =>
  laneDescription("wasm", WASM_ARCHITECTURES, architecture);
