import type { GraphBuilder } from "../../../codegen/ir/builder.js";
import type { Node } from "../../../codegen/ir/graph.js";
import {
  checkKernels,
  drawConvolution,
  drawImages,
  type SpatialAxis,
  spatialAxes,
} from "../convolution-settings.js";
import { defineLayer } from "../record.js";
import { canonicalAxis, convOutput, countBetween } from "../shapes.js";

export const im2col = defineLayer({
  type: "Im2col",
  parameter: "convolution_param",
  summary: "Lays out what a convolution's kernel sees at each of its positions as channels.",
  equation: "y[n, (c, k), p] = x[n, c, p · stride − pad + k · dilation], 0 outside of x",
  notes: [
    "kernel_size, stride, pad, dilation and axis are those of Convolution; its other settings say nothing here.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower(context) {
    const { builder, parameter } = context;
    const [x] = context.bottoms;
    const axis = canonicalAxis(context, parameter.axis, x.shape, "axis");
    const spatial = spatialAxes(context, x.shape.slice(axis + 1));
    let y = builder.reshape(x, [countBetween(x.shape, 0, axis + 1), ...x.shape.slice(axis + 1)]);
    checkKernels(context, spatial);
    // The axes before each are two by then: taps and positions.
    for (const [i, along] of spatial.entries()) y = unfold(builder, y, 1 + 2 * i, along);
    const order = [0, ...spatial.map((_, i) => 1 + 2 * i), ...spatial.map((_, i) => 2 + 2 * i)];
    const [channels, ...outputs] = [
      spatial.reduce((taps, { kernel }) => taps * kernel, x.shape[axis]),
      ...order.slice(1 + spatial.length).map((i) => y.shape[i]),
    ];
    return [builder.reshape(builder.transpose(y, order), [...x.shape.slice(0, axis), channels, ...outputs])];
  },
  domain: {
    shapes: drawImages,
    settings: (draw, [shape]) => drawConvolution(draw, shape, false),
  },
});

/** One spatial axis as two: the taps of the kernel, and its positions. */
function unfold(
  b: GraphBuilder,
  x: Node,
  axis: number,
  { extent, kernel, stride, pad, dilation }: SpatialAxis,
): Node {
  const outputs = convOutput(extent, kernel, stride, pad, dilation);
  // What every stride-th element is taken of must be whole strides: the last tap may reach beyond the padding.
  const length = (kernel - 1) * dilation + outputs * stride;
  const whole = b.pad(x, axis, pad, Math.max(pad, length - extent - pad));
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const taps = Array.from({ length: kernel }, (_, k) => {
    const run = b.reshape(b.slice(whole, axis, k * dilation, outputs * stride), [
      ...before,
      outputs,
      stride,
      ...after,
    ]);
    return b.reshape(b.slice(run, axis + 1, 0, 1), [...before, 1, outputs, ...after]);
  });
  return b.concat(taps, axis);
}
