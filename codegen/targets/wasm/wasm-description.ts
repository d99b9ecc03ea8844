import { orList, userError } from "../../../proto/errors/index.js";
import type { LanesDescription, TargetDescription } from "../../ir/target-description.js";

/**
 * Vectors of WebAssembly. V8 before version 13 keeps no more than eight sums in registers without spilling; caches are those
 * of a modest core, since an engine does not tell them.
 */
export const WASM_ARCHITECTURES = {
  /** Products and sums, each rounded. */
  simd128: lanes(false),
  /** With the relaxed multiply-add. */
  relaxed: lanes(true),
} as const satisfies Readonly<Record<string, LanesDescription>>;

export type WasmArchitecture = keyof typeof WASM_ARCHITECTURES;

function lanes(fma: boolean): LanesDescription {
  return {
    vectorBytes: 16,
    registers: 16,
    accumulators: 8,
    fma,
    l1Bytes: 32 * 1024,
    l2Bytes: 512 * 1024,
  };
}

export const isWasmArchitecture = (name: string): name is WasmArchitecture =>
  Object.hasOwn(WASM_ARCHITECTURES, name);

/**
 * An engine of WebAssembly.
 *
 * @throws CortadoError for an architecture that is not known
 */
export function wasmDescription(architecture: string): TargetDescription {
  if (!isWasmArchitecture(architecture))
    throw userError(
      `there is no architecture "${architecture}" of target wasm`,
      `there is ${orList(Object.keys(WASM_ARCHITECTURES))}`,
    );
  return {
    tile: { rows: 4, columns: 4 },
    parallelIterations: 64,
    unrolledWindow: 9,
    lanes: WASM_ARCHITECTURES[architecture],
  };
}
