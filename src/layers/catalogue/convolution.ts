import { add, arg } from "../../../codegen/ir/scalar.js";
import {
  asImages,
  checkKernels,
  convolutionSettings,
  drawConvolution,
  drawImages,
  withoutZeroDilation,
} from "../convolution-settings.js";
import { defineLayer } from "../record.js";
import { convOutput, kernelReach } from "../shapes.js";

export const convolution = defineLayer({
  type: "Convolution",
  parameter: "convolution_param",
  summary: "Cross-correlation with num_output filters over the axes behind `axis`, of any number.",
  equation: "y[n, o, p] = b[o] + Σ_{c, k} w[o, c, k] · x[n, c, p · stride − pad + k · dilation]",
  notes: [
    "Parameter 0 is w, num_output × channels/group × kernel; parameter 1 is b. All bottoms share them.",
    "An output extent is ⌊(in + 2·pad − (dilation · (kernel − 1) + 1)) / stride⌋ + 1; a kernel that reaches over the end by less than a stride has one position and finds 0 there, as in Caffe.",
  ],
  bottoms: { min: 1 },
  tops: { min: 1 },
  topPerBottom: true,
  lower(context) {
    const { builder, bottoms, parameter, param } = context;
    const { axis, channels, outputs, groups, spatial: given } = convolutionSettings(context);
    checkKernels(context, given);
    const kernels = given.map(({ kernel }) => kernel);
    const blob = param(0, [outputs, channels / groups, ...kernels], parameter.weight_filler);
    const b = parameter.bias_term ? param(1, [outputs], parameter.bias_filler) : undefined;
    const { w, spatial } = withoutZeroDilation(context, blob, given);
    const over = spatial.map(({ extent, kernel, pad, dilation }) =>
      Math.max(0, kernelReach(kernel, dilation) - extent - 2 * pad),
    );
    const geometry = {
      groups,
      spatial: spatial.map(({ extent, kernel, stride, pad, dilation }, i) => ({
        kernel,
        stride,
        pad,
        dilation,
        input: extent + over[i],
        output: convOutput(extent, kernel, stride, pad, dilation),
      })),
    };
    return bottoms.map((bottom) => {
      const images = over.reduce(
        (x, missing, i) => (missing > 0 ? builder.pad(x, 2 + i, 0, missing) : x),
        asImages(context, bottom, axis),
      );
      const product = builder.conv(images, w, geometry);
      const y = b
        ? builder.map(add(arg(0), arg(1)), [product, builder.reshape(b, [outputs, ...spatial.map(() => 1)])])
        : product;
      return builder.reshape(y, [...bottom.shape.slice(0, axis), ...y.shape.slice(1)]);
    });
  },
  domain: {
    shapes: drawImages,
    settings: (draw, [shape]) => drawConvolution(draw, shape, false),
  },
});
