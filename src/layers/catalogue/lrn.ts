import { add, arg, binary, constant, mul } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { defineLayer } from "../record.js";

export const lrn = defineLayer({
  type: "LRN",
  parameter: "lrn_param",
  summary: "Local response normalisation: divides by a power of the energy near by, in channels or in space.",
  equation:
    "ACROSS_CHANNELS: y = x · (k + alpha/n · Σ_{n channels} x²)^−beta; WITHIN_CHANNEL: y = x · (1 + alpha/n² · Σ_{n×n} x²)^−beta",
  notes: [
    "n is local_size, which must be odd. Outside the blob there are zeros.",
    "WITHIN_CHANNEL does not read k.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [x], parameter, fail }) {
    const { local_size: size, alpha, beta, norm_region } = parameter;
    if (x.shape.length !== 4)
      fail(
        `the bottom must have 4 axes (images, channels, height, width), not the shape ${showShape(x.shape)}`,
        undefined,
        {
          bottoms: [0],
        },
      );
    if (size < 1 || size % 2 === 0) fail(`local_size must be odd and positive, not ${size}`, "local_size");
    const across = norm_region === "ACROSS_CHANNELS";
    const window = (across ? [1] : [2, 3]).map((axis) => {
      const extent = x.shape[axis];
      // A window that reaches over both ends from everywhere holds the same as a larger one.
      const covered = Math.min(size, 2 * extent - 1);
      return { axis, size: covered, stride: 1, pad: (covered - 1) / 2, windows: extent, extent };
    });
    const energy = builder.windowSum(builder.map(mul(arg(0), arg(0)), [x]), window);
    const scale = add(
      constant(across ? parameter.k : 1),
      mul(constant(alpha / (across ? size : size * size)), arg(1)),
    );
    return [builder.map(mul(arg(0), binary("pow", scale, constant(-beta))), [x, energy])];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 4, 4);
      return shape && [shape];
    },
    settings: (draw) => ({
      lrn_param: {
        local_size: draw.of([1, 3, 5]),
        alpha: draw.real(0.1, 1),
        beta: draw.of([0.5, 0.75]),
        k: draw.of([1, 2]),
        norm_region: draw.of(["ACROSS_CHANNELS", "WITHIN_CHANNEL"]),
      },
    }),
  },
});
