import { arg, binary, constant, coord, mul, neg, select } from "../../../codegen/ir/scalar.js";
import { awayFrom, drawShape } from "../domain.js";
import { labelledRows } from "../labels.js";
import { notIntoLabels, truncated } from "../loss.js";
import { defineLayer } from "../record.js";
import { countBetween } from "../shapes.js";

export const hingeLoss = defineLayer({
  type: "HingeLoss",
  parameter: "hinge_loss_param",
  summary:
    "How far scores are from the right side of a margin: above 1 for the label, below −1 for all others.",
  equation: "L1: y = Σ max(0, 1 + s · x) / N; L2: y = Σ max(0, 1 + s · x)² / N; s = −1 at the label, else 1",
  bottoms: { exact: 2 },
  tops: { exact: 1 },
  autoTop: true,
  lossWeight: 1,
  forceBackward: notIntoLabels,
  lower(context) {
    const { builder, parameter } = context;
    const { x, label, rows } = labelledRows(context);
    const signed = select("eq", coord(1), truncated(arg(1)), neg(arg(0)), arg(0));
    const beyond = binary("max", binary("add", constant(1), signed), constant(0));
    const each = builder.map(beyond, [x, label], x.shape);
    const terms = parameter.norm === "L2" ? builder.map(mul(arg(0), arg(0)), [each], x.shape) : each;
    return [builder.map(mul(arg(0), constant(1 / rows)), [builder.reduce("sum", terms, [0, 1], true)], [])];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape, [shape[0]]];
    },
    settings: (draw) => ({ hinge_loss_param: { norm: draw.of(["L1", "L2"]) } }),
    values: (_layer, [shape]) => [awayFrom(-1, 1), { kind: "label", below: countBetween(shape, 1) }],
    differentiable: [0],
  },
});
