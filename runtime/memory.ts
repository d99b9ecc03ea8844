import type { Argument } from "../codegen/kernel.js";

/** An array of the net's real type: float32, or float64 for gradient checks. */
export type RealArray = Float32Array | Float64Array;
export type RealType = "float32" | "float64";

/** Bytes of one real. */
export const realBytes = (dtype: RealType): 4 | 8 => (dtype === "float32" ? 4 : 8);

/**
 * The parameters of a net, by index: memory that outlives any one program, and that several nets may share
 * (a test net beside its train net). Shared memory, so that kernel threads see the same bytes.
 */
export interface ParamStore {
  readonly dtype: RealType;
  readonly arrays: RealArray[];
}

export function allocateReal(dtype: RealType, elements: number): RealArray {
  const memory = new SharedArrayBuffer(elements * realBytes(dtype));
  return dtype === "float32" ? new Float32Array(memory) : new Float64Array(memory);
}

/** The typed view of one launch argument, over the arena or over a parameter. */
export function viewOf(
  argument: Argument,
  arena: SharedArrayBuffer,
  params: ParamStore,
): RealArray | Int32Array {
  if (argument.storage === "param") {
    const array = params.arrays[argument.param];
    return array.subarray(argument.offset, argument.offset + argument.elements);
  }
  if (argument.dtype === "index") return new Int32Array(arena, argument.byteOffset, argument.elements);
  return params.dtype === "float32"
    ? new Float32Array(arena, argument.byteOffset, argument.elements)
    : new Float64Array(arena, argument.byteOffset, argument.elements);
}
