/** An array of the net's real type: float32, or float64 for gradient checks. */
export type RealArray = Float32Array | Float64Array;
export type RealType = "float32" | "float64";

/** Bytes of one real. */
export const realBytes = (dtype: RealType): 4 | 8 => (dtype === "float32" ? 4 : 8);

/** −FLT_MAX, the least finite float32: what Caffe's maximum over a window begins from. */
export const LOWEST = -3.4028234663852886e38;
