import { add, arg } from "../../../codegen/ir/scalar.js";
import {
  asImages,
  convolutionSettings,
  drawConvolution,
  drawImages,
  fieldOf,
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
    "An output extent is ⌊(in + 2·pad − (dilation · (kernel − 1) + 1)) / stride⌋ + 1.",
  ],
  bottoms: { min: 1 },
  tops: { min: 1 },
  topPerBottom: true,
  lower(context) {
    const { builder, bottoms, parameter, param, fail } = context;
    const { axis, channels, outputs, groups, spatial } = convolutionSettings(context);
    for (const [i, { extent, kernel, pad, dilation }] of spatial.entries()) {
      const reach = kernelReach(kernel, dilation);
      const padding = pad > 0 ? ` with ${pad} of padding at each end` : "";
      if (reach > extent + 2 * pad)
        fail(
          `the kernel covers ${reach} positions, and the input has ${extent + 2 * pad}${padding}`,
          ...fieldOf(context, "kernel_size", i),
        );
    }
    const kernels = spatial.map(({ kernel }) => kernel);
    const w = param(0, [outputs, channels / groups, ...kernels], parameter.weight_filler);
    const b = parameter.bias_term ? param(1, [outputs], parameter.bias_filler) : undefined;
    const geometry = {
      groups,
      spatial: spatial.map(({ extent: input, kernel, stride, pad, dilation }) => ({
        kernel,
        stride,
        pad,
        dilation,
        input,
        output: convOutput(input, kernel, stride, pad, dilation),
      })),
    };
    return bottoms.map((bottom) => {
      const product = builder.conv(asImages(context, bottom, axis), w, geometry);
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
