import { add, constant, mul, type Scalar } from "../../codegen/ir/scalar.js";

/** A float32 constant: the schema's fields are floats, and 1 − momentum is rounded as Caffe rounds it. */
export const float = (value: number): Scalar => constant(Math.fround(value));

/** k·x, where k = 0 forgets x altogether (even a NaN), as BLAS does. */
export const scaled = (k: number, x: Scalar): Scalar => (k === 0 ? constant(0) : mul(float(k), x));

/** The moving average d·old + (1 − d)·fresh. */
export const movingAverage = (decay: number, old: Scalar, fresh: Scalar): Scalar =>
  add(mul(float(1 - decay), fresh), scaled(decay, old));

export const square = (x: Scalar): Scalar => mul(x, x);
