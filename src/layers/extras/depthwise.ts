import { present } from "../../../proto/errors/index.js";
import { withFields } from "../../../proto/index.js";
import { convolution } from "../catalogue/convolution.js";
import { drawConvolution, drawImages } from "../convolution-settings.js";
import { defineLayer, gives, type LayerType } from "../record.js";
import { canonicalAxis } from "../shapes.js";

const convolve = present(convolution.lower, "the definition of Convolution");

/** Convolution whose group is its bottom's channels, under the name that a fork gave it. */
export function depthwise(type: string, fork: string): LayerType {
  return defineLayer({
    type,
    parameter: "convolution_param",
    summary: `Convolution of each channel by itself, with filters of its own. ${fork}`,
    equation:
      "y[n, o, p] = b[o] + Σ_k w[o, 0, k] · x[n, ⌊o / m⌋, p · stride − pad + k · dilation], m = num_output / channels",
    notes: [
      "The same as Caffe 1.0's Convolution with group equal to the channels; num_output is a multiple of them.",
      "Parameter 0 is w, num_output × 1 × kernel; parameter 1 is b. group need not be given.",
    ],
    bottoms: { min: 1 },
    tops: { min: 1 },
    topPerBottom: true,
    lower(context) {
      const { bottoms, parameter, fail } = context;
      const [{ shape }] = bottoms;
      const channels = shape[canonicalAxis(context, parameter.axis, shape, "axis")];
      if (gives(parameter, "group") && parameter.group !== channels)
        fail(`group must be the ${channels} channels of the bottom, not ${parameter.group}`, "group", {
          bottoms: [0],
        });
      if (parameter.num_output % channels !== 0)
        fail(`num_output must be a multiple of the bottom's ${channels} channels`, "num_output", {
          bottoms: [0],
        });
      return convolve({ ...context, parameter: withFields(parameter, { group: channels }) });
    },
    domain: {
      shapes: drawImages,
      settings: (draw, [shape]) => {
        const drawn = drawConvolution(draw, shape, false).convolution_param;
        const num_output = shape[1] * draw.integer(1, 2);
        return { convolution_param: { ...drawn, num_output, group: draw.of([undefined, shape[1]]) } };
      },
    },
  });
}
