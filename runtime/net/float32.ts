import { sizeOf } from "../../codegen/ir/graph.js";
import type { RealArray } from "../../codegen/ir/real.js";

/** As it crosses the public API; what is float32 already is not copied. */
export const toFloat32 = (values: RealArray): Float32Array =>
  values instanceof Float32Array ? values : Float32Array.from(values);

/** What a pass left, or the zeros that it need not compute. */
export const orZeros = (values: RealArray | undefined, shape: readonly number[]): Float32Array =>
  values ? toFloat32(values) : new Float32Array(sizeOf(shape));
