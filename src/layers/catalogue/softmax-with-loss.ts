import { arg, binary, constant, coord, select, sub, unary } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import {
  countedLabels,
  gradientWhereCounted,
  ignoredLabel,
  normalizationOf,
  normalizedLoss,
  notIntoLabels,
  truncated,
  whereCounted,
} from "../loss.js";
import { defineLayer, parameterOf } from "../record.js";
import { canonicalAxis, countBetween } from "../shapes.js";
import { softmaxParts } from "../softmax-parts.js";

/** −log FLT_MIN: Caffe's loss of a class whose probability has underflowed. */
const GREATEST_LOSS = 87.33654475055309;

export const softmaxWithLoss = defineLayer({
  type: "SoftmaxWithLoss",
  parameter: "softmax_param",
  summary: "The mean negative log of the probability that a softmax gives to each label.",
  equation: "y = −Σ log softmax(x)[label] / normaliser",
  notes: [
    "normalization: VALID (default) counts the labels that are not ignored, FULL all, BATCH_SIZE the first axis, NONE is 1.",
    "One label's loss is at most 87.3365 (−log FLT_MIN) as in Caffe; its gradient is softmax − one-hot all the same.",
    "A second top is the softmax; it has no gradient.",
  ],
  bottoms: { exact: 2 },
  tops: { min: 1, max: 2 },
  autoTop: true,
  lossWeight: 1,
  forceBackward: notIntoLabels,
  lower(context) {
    const { builder, layer, topCount, check, fail } = context;
    const [x, labels] = context.bottoms;
    const axis = canonicalAxis(context, context.parameter.axis, x.shape, "axis");
    const positions = countBetween(x.shape, 0, axis) * countBetween(x.shape, axis + 1);
    if (countBetween(labels.shape, 0) !== positions)
      fail(
        `scores of shape ${showShape(x.shape)} with classes along axis ${axis} need ${positions} labels, and the labels have the shape ${showShape(labels.shape)}`,
        undefined,
        { bottoms: [0, 1] },
      );
    const loss = parameterOf(layer, "loss_param");
    const ignore = ignoredLabel(loss);
    check({
      node: labels,
      min: 0,
      max: x.shape[axis] - 1,
      except: ignore,
      message: `labels must be from 0 to ${x.shape[axis] - 1}, for ${x.shape[axis]} classes`,
    });
    const label = builder.reshape(
      builder.stop(labels),
      x.shape.map((extent, i) => (i === axis ? 1 : extent)),
    );
    const counted = countedLabels(builder, label, ignore);
    const { shifted, total, probability } = softmaxParts(
      builder,
      gradientWhereCounted(builder, x, counted),
      axis,
    );
    const atLabel = select("eq", coord(axis), truncated(arg(1)), arg(0), constant(0));
    const picked = builder.reduce("sum", builder.map(atLabel, [shifted, label], x.shape), [axis]);
    const exact = builder.map(sub(unary("log", arg(0)), arg(1)), [total, picked]);
    // Bounded in value only.
    const bounded = builder.map(binary("min", constant(GREATEST_LOSS), arg(0)), [exact]);
    const losses = whereCounted(builder, builder.instead(bounded, exact), counted);
    const y = normalizedLoss(
      builder,
      losses,
      normalizationOf(loss, "VALID"),
      countBetween(x.shape, 0, axis),
      counted,
    );
    return topCount > 1 ? [y, builder.stop(probability)] : [y];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape, shape.map((extent, axis) => (axis === 1 ? 1 : extent))];
    },
    settings: (draw) => ({
      loss_param: {
        normalization: draw.of(["FULL", "VALID", "BATCH_SIZE", "NONE"]),
        ...(draw.boolean() ? { ignore_label: 0 } : {}),
      },
    }),
    values: (_layer, [shape]) => [
      { kind: "real", min: -3, max: 3 },
      { kind: "label", below: shape[1] },
    ],
    differentiable: [0],
  },
});
