import { add, arg, constant, mul, select } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { laidAlong } from "../broadcast.js";
import { awayFrom, drawShape } from "../domain.js";
import { defineLayer } from "../record.js";

export const prelu = defineLayer({
  type: "PReLU",
  parameter: "prelu_param",
  summary:
    "Passes positive values; multiplies negative ones by a slope that is learned, one for each channel.",
  equation: "y = x if x > 0, else a[channel] · x",
  notes: ["Parameter 0 is a, one value with channel_shared. It starts at 0.25."],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  inPlace: true,
  lower({ builder, bottoms: [x], parameter, param, fail }) {
    if (x.shape.length < 2)
      fail(`the bottom must have at least 2 axes, not the shape ${showShape(x.shape)}`, undefined, {
        bottoms: [0],
      });
    const shape = parameter.channel_shared ? [] : [x.shape[1]];
    const slope = laidAlong(builder, param(0, shape, parameter.filler, 0.25), x, 1);
    const y = builder.map(
      select("gt", arg(0), constant(0), arg(0), mul(arg(1), arg(0))),
      [x, slope],
      x.shape,
    );
    // Its derivative as in Caffe, which is 0 in a bottom of NaN.
    const [fixed, zero] = [arg(2), constant(0)];
    const inX = select("gt", fixed, zero, constant(1), select("le", fixed, zero, arg(3), zero));
    const inSlope = select("gt", fixed, zero, zero, fixed);
    const sloping = add(mul(arg(0), inX), mul(arg(1), inSlope));
    return [
      builder.instead(y, builder.map(sloping, [x, slope, builder.stop(x), builder.stop(slope)], x.shape)),
    ];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape];
    },
    settings: (draw) => ({ prelu_param: { channel_shared: draw.boolean() } }),
    values: () => [awayFrom(0)],
  },
});
