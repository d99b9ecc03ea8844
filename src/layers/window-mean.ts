import { arg, binary, constant, coord, div, mul, type Scalar, sub } from "../../codegen/ir/scalar.js";
import type { PoolAxis } from "./shapes.js";

/** A window's sum by Caffe's divisor: the positions it covers, padding included, up to the end of the padding. */
export function windowMean(window: readonly PoolAxis[]): Scalar {
  const sizes = window.map(({ axis, size, stride, pad, extent, touching }): Scalar => {
    if ((touching - 1) * stride - pad + size <= extent + pad) return constant(size);
    const start = sub(mul(coord(axis), constant(stride)), constant(pad));
    return sub(binary("min", binary("add", start, constant(size)), constant(extent + pad)), start);
  });
  return div(arg(0), sizes.reduce(mul));
}
