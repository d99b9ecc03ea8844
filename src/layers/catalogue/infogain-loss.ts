import { arg, binary, constant, mul, neg, sub, unary } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { refuseGradient } from "../labels.js";
import {
  countedLabels,
  gradientWhereCounted,
  ignoredLabel,
  LEAST_PROBABILITY,
  normalizationOf,
  normalizedLoss,
  whereCounted,
} from "../loss.js";
import { defineLayer, gives, type LayerContext, parameterOf } from "../record.js";
import { canonicalAxis, countBetween } from "../shapes.js";
import { softmaxParts } from "../softmax-parts.js";

export const infogainLoss = defineLayer({
  type: "InfogainLoss",
  parameter: "infogain_loss_param",
  summary:
    "The negative log of a softmax's probabilities, weighted by the row of a matrix H that each label names.",
  equation: "y = −Σ H[label, k] · log softmax(x)[k] / normaliser",
  notes: [
    "H is the third bottom, or the blob in the binary BlobProto file `source`; with H = 1 it is SoftmaxWithLoss.",
    "normalization is VALID by default. A probability counts as 10⁻²⁰ at least, without an effect on the gradient.",
    "A second top is the softmax; it has no gradient.",
  ],
  bottoms: { min: 2, max: 3 },
  tops: { min: 1, max: 2 },
  autoTop: true,
  lossWeight: 1,
  forceBackward: (bottom) => bottom === 0,
  lower(context) {
    const { builder, layer, topCount, check, fail } = context;
    const [x, labels] = context.bottoms;
    refuseGradient(context, 1, "labels");
    refuseGradient(context, 2, "the infogain matrix");
    const axis = canonicalAxis(context, context.parameter.axis, x.shape, "axis");
    const classes = x.shape[axis];
    const [outer, inner] = [countBetween(x.shape, 0, axis), countBetween(x.shape, axis + 1)];
    if (countBetween(labels.shape, 0) !== outer * inner)
      fail(
        `scores of shape ${showShape(x.shape)} with classes along axis ${axis} need ${outer * inner} labels, and the labels have the shape ${showShape(labels.shape)}`,
        undefined,
        { bottoms: [0, 1] },
      );
    const loss = parameterOf(layer, "loss_param");
    if (gives(loss, "normalize"))
      fail("normalize is not for this type: use normalization", "normalize", { in: loss });
    const ignore = ignoredLabel(loss);
    check({
      node: labels,
      min: 0,
      max: classes - 1,
      except: ignore,
      message: `labels must be from 0 to ${classes - 1}, for ${classes} classes`,
    });
    const label = builder.reshape(builder.stop(labels), [outer * inner]);
    const counts = countedLabels(builder, label, ignore);
    // An ignored label may name no row.
    const row = builder.map(arg(0), [whereCounted(builder, label, counts)], label.shape, "index");
    const rows = builder.gather(matrixOf(context, classes), row);
    const weight = builder.transpose(builder.reshape(rows, [outer, inner, classes]), [0, 2, 1]);
    const counted = builder.reshape(counts, [outer, 1, inner]);
    const scores = builder.reshape(x, [outer, classes, inner]);
    const { shifted, total, probability } = softmaxParts(
      builder,
      gradientWhereCounted(builder, scores, counted),
      1,
    );
    const log = builder.map(sub(arg(0), unary("log", arg(1))), [shifted, total], weight.shape);
    // Bounded in value only.
    const bounded = builder.map(binary("max", constant(Math.log(LEAST_PROBABILITY)), arg(0)), [log]);
    const terms = builder.map(neg(mul(arg(1), arg(0))), [builder.instead(bounded, log), weight], log.shape);
    const losses = whereCounted(builder, builder.reduce("sum", terms, [1]), counted);
    const y = normalizedLoss(builder, losses, normalizationOf(loss, "VALID"), outer, counted);
    return topCount > 1 ? [y, builder.stop(builder.reshape(probability, x.shape))] : [y];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape, shape.map((extent, i) => (i === 1 ? 1 : extent)), [shape[1], shape[1]]];
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
      { kind: "real", min: 0, max: 2 },
    ],
    differentiable: [0],
  },
});

/** H as classes × classes. */
function matrixOf(context: LayerContext<"infogain_loss_param">, classes: number) {
  const { builder, bottoms, parameter, fail, blobFile } = context;
  const given = bottoms[2];
  const shape = [classes, classes];
  if (given === undefined) {
    if (parameter.source === "")
      fail("give the infogain matrix: a third bottom, or a BlobProto file as source", "source");
    return blobFile(parameter.source, shape, "the infogain matrix", "source");
  }
  if (countBetween(given.shape, 0) !== classes * classes)
    fail(
      `the infogain matrix must have ${classes}×${classes} values for ${classes} classes, and the third bottom has the shape ${showShape(given.shape)}`,
      undefined,
      { bottoms: [0, 2] },
    );
  return builder.reshape(builder.stop(given), shape);
}
