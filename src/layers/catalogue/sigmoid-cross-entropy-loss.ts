import { add, arg, constant, mul, neg, select, sub, unary } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import {
  countedLabels,
  gradientWhereCounted,
  ignoredLabel,
  normalizationOf,
  normalizedLoss,
  notIntoLabels,
  whereCounted,
} from "../loss.js";
import { defineLayer, parameterOf } from "../record.js";
import { countBetween } from "../shapes.js";

export const sigmoidCrossEntropyLoss = defineLayer({
  type: "SigmoidCrossEntropyLoss",
  parameter: "loss_param",
  summary: "The cross-entropy of targets in [0, 1] against the logistic function of the scores.",
  equation: "y = −Σ (t · log σ(x) + (1 − t) · log(1 − σ(x))) / normaliser",
  notes: [
    "normalization is BATCH_SIZE by default.",
    "Computed from the scores, so that large ones do not overflow.",
  ],
  bottoms: { exact: 2 },
  tops: { min: 1, max: 1 },
  autoTop: true,
  lossWeight: 1,
  forceBackward: notIntoLabels,
  lower({ builder, layer, bottoms: [x, target], fail }) {
    if (
      countBetween(x.shape, 0) !== countBetween(target.shape, 0) ||
      (x.shape[0] ?? 1) !== (target.shape[0] ?? 1)
    )
      fail(
        `scores and targets must have as many values, and their shapes are ${showShape(x.shape)} and ${showShape(target.shape)}`,
        undefined,
        { bottoms: [0, 1] },
      );
    const t = builder.reshape(builder.stop(target), x.shape);
    const parameter = parameterOf(layer, "loss_param");
    const counted = countedLabels(builder, t, ignoredLabel(parameter));
    // softplus(x) − t·x, with the large part of softplus taken together with t·x so that it cancels exactly.
    const positive = select("ge", arg(0), constant(0), constant(1), constant(0));
    const rest = unary("softplus", select("ge", arg(0), constant(0), neg(arg(0)), arg(0)));
    const each = add(mul(arg(0), sub(positive, arg(1))), rest);
    const scores = gradientWhereCounted(builder, x, counted);
    const losses = whereCounted(builder, builder.map(each, [scores, t], x.shape), counted);
    const normalization = normalizationOf(parameter, "BATCH_SIZE");
    return [normalizedLoss(builder, losses, normalization, x.shape[0] ?? 1, counted)];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 1, 4);
      return shape && [shape, shape];
    },
    settings: (draw) => ({ loss_param: { normalization: draw.of(["FULL", "VALID", "BATCH_SIZE", "NONE"]) } }),
    values: () => [
      { kind: "real", min: -3, max: 3 },
      { kind: "real", min: 0, max: 1, bounded: true },
    ],
    differentiable: [0],
  },
});
