import type { Node } from "../../../codegen/ir/graph.js";
import {
  arg,
  constant,
  coord,
  div,
  mul,
  neg,
  type Scalar,
  select,
  unary,
} from "../../../codegen/ir/scalar.js";
import { drawShape } from "../domain.js";
import { labelledRows } from "../labels.js";
import { LEAST_PROBABILITY, notIntoLabels, truncated } from "../loss.js";
import { defineLayer } from "../record.js";
import { countBetween } from "../shapes.js";

export const multinomialLogisticLoss = defineLayer({
  type: "MultinomialLogisticLoss",
  summary: "The mean negative log of the probability that the first bottom gives to each label.",
  equation: "y = −Σ log max(x[label], 10⁻²⁰) / N",
  notes: ["Below 10⁻²⁰ the gradient stays −10²⁰ / N, as in Caffe. The bottom is taken as it is: no softmax."],
  bottoms: { exact: 2 },
  tops: { exact: 1 },
  autoTop: true,
  lossWeight: 1,
  forceBackward: notIntoLabels,
  lower(context) {
    const { builder } = context;
    const { x, label, rows } = labelledRows(context);
    const own = select("eq", coord(1), truncated(arg(1)), arg(0), constant(0));
    const p = builder.reduce("sum", builder.map(own, [x, label], x.shape), [1]);
    const least = constant(LEAST_PROBABILITY);
    const logOr = (below: Scalar): Node =>
      builder.map(select("lt", arg(0), least, below, unary("log", arg(0))), [p]);
    // Below the least: its log, with the slope that Caffe keeps.
    const log = builder.instead(logOr(unary("log", least)), logOr(div(arg(0), least)));
    const total = builder.reduce("sum", builder.map(neg(arg(0)), [log], p.shape), [0, 1], true);
    return [builder.map(mul(arg(0), constant(1 / rows)), [total], [])];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape, [shape[0]]];
    },
    values: (_layer, [shape]) => [
      { kind: "real", min: 0.1, max: 1, bounded: true },
      { kind: "label", below: countBetween(shape, 1) },
    ],
    differentiable: [0],
  },
});
