import { arg, constant, mul, select } from "../../../codegen/ir/scalar.js";
import { defineLayer } from "../record.js";

export const dropout = defineLayer({
  type: "Dropout",
  parameter: "dropout_param",
  summary:
    "In TRAIN, sets each value to 0 with probability dropout_ratio and scales the rest up; in TEST, nothing.",
  equation: "TRAIN: y = x / (1 − ratio) where u ≥ ratio, else 0 (u uniform in [0, 1)); TEST: y = x",
  notes: [
    "TEST does not read dropout_ratio. With 0 nothing is dropped; 1 is refused in TRAIN, where Caffe gives NaN.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  inPlace: true,
  lower({ builder, bottoms: [x], parameter, phase, random, fail }) {
    const ratio = parameter.dropout_ratio;
    if (phase === "TEST") return [x];
    if (!(ratio >= 0 && ratio < 1))
      fail(`dropout_ratio must be 0 or more and less than 1, not ${ratio}`, "dropout_ratio");
    if (ratio === 0) return [x];
    // A product, as in Caffe: NaN stays NaN where it is dropped.
    const mask = select("ge", arg(1), constant(ratio), constant(1 / (1 - ratio)), constant(0));
    return [builder.map(mul(arg(0), mask), [x, random(x.shape)])];
  },
  domain: { settings: (draw) => ({ dropout_param: { dropout_ratio: draw.of([0.2, 0.5]) } }) },
});
