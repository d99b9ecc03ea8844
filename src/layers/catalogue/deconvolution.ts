import { add, arg } from "../../../codegen/ir/scalar.js";
import {
  asImages,
  convolutionSettings,
  drawConvolution,
  drawImages,
  fieldOf,
  withoutZeroDilation,
} from "../convolution-settings.js";
import { defineLayer } from "../record.js";
import { kernelReach } from "../shapes.js";

export const deconvolution = defineLayer({
  type: "Deconvolution",
  parameter: "convolution_param",
  summary: "The adjoint of a convolution: every input value spreads a filter over the output.",
  equation: "y[n, o, p · stride − pad + k · dilation] += w[c, o, k] · x[n, c, p], then + b[o]",
  notes: [
    "Parameter 0 is w, channels × num_output/group × kernel; parameter 1 is b.",
    "An output extent is stride · (in − 1) + dilation · (kernel − 1) + 1 − 2·pad.",
  ],
  bottoms: { min: 1 },
  tops: { min: 1 },
  topPerBottom: true,
  lower(context) {
    const { builder, bottoms, parameter, param, fail } = context;
    const { axis, channels, outputs, groups, spatial: given } = convolutionSettings(context);
    const kernels = given.map(({ kernel }) => kernel);
    const blob = param(0, [channels, outputs / groups, ...kernels], parameter.weight_filler);
    const { w, spatial } = withoutZeroDilation(context, blob, given);
    const axes = spatial.map(({ extent: output, kernel, stride, pad, dilation }) => ({
      kernel,
      stride,
      pad,
      dilation,
      input: stride * (output - 1) + kernelReach(kernel, dilation) - 2 * pad,
      output,
    }));
    for (const [i, { input, pad }] of axes.entries()) {
      if (input < 1)
        fail(
          `with ${pad} of padding at each end nothing is left of the output`,
          ...fieldOf(context, "pad", i),
        );
    }
    const b = parameter.bias_term ? param(1, [outputs], parameter.bias_filler) : undefined;
    return bottoms.map((bottom) => {
      const spread = builder.convData(asImages(context, bottom, axis), w, { groups, spatial: axes });
      const y = b
        ? builder.map(add(arg(0), arg(1)), [spread, builder.reshape(b, [outputs, ...axes.map(() => 1)])])
        : spread;
      return builder.reshape(y, [...bottom.shape.slice(0, axis), ...y.shape.slice(1)]);
    });
  },
  domain: {
    shapes: drawImages,
    settings: (draw, [shape]) => drawConvolution(draw, shape, true),
  },
});
