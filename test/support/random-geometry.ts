import type { ConvGeometry, Shape, WindowAxis } from "../../codegen/ir/graph.js";

/** A window over the last `axes` axes, none of its windows empty. */
export function spatialWindow(shape: Shape, from: number, p: number, q: number): WindowAxis[] | undefined {
  const window: WindowAxis[] = [];
  for (let axis = from; axis < shape.length; axis++) {
    const extent = shape[axis];
    const size = 1 + ((p + axis) % 3);
    const stride = 1 + (q % 3);
    const pad = Math.min(size - 1, (p >> 1) % 2);
    // Rounded up as Caffe does, the last window beginning inside.
    let windows = Math.ceil(Math.max(0, extent + 2 * pad - size) / stride) + 1;
    while (windows > 1 && (windows - 1) * stride - pad >= extent) windows--;
    window.push({ axis, size, stride, pad, windows, extent });
  }
  return window.length > 0 ? window : undefined;
}

/** A convolution of these extents, with at least one position. */
export function convGeometry(
  extents: readonly number[],
  groups: number,
  p: number,
  q: number,
): ConvGeometry | undefined {
  const spatial = extents.map((input, i) => {
    const kernel = 1 + ((p + i) % 3);
    const stride = 1 + (q % 2);
    const dilation = 1 + (q % 3 === 2 ? 1 : 0);
    const pad = (p >> 1) % 3;
    const reach = dilation * (kernel - 1) + 1;
    return {
      kernel,
      stride,
      pad,
      dilation,
      input,
      output: Math.floor((input + 2 * pad - reach) / stride) + 1,
    };
  });
  return spatial.every((s) => s.output > 0) ? { groups, spatial } : undefined;
}
