import type { Node } from "../../../codegen/ir/graph.js";
import { arg, binary, constant, coord, div, mul, select } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { countedLabels, ignoredLabel, truncated } from "../loss.js";
import { defineLayer, parameterOf } from "../record.js";
import { canonicalAxis, countBetween } from "../shapes.js";

export const accuracy = defineLayer({
  type: "Accuracy",
  parameter: "accuracy_param",
  summary: "The share of labels whose score is among the top_k greatest.",
  equation: "y = Σ [at most top_k scores ≥ the label's own] / number of labels that count",
  notes: [
    "On a tie the other classes count as better, as in Caffe.",
    "A second top is the accuracy of each class, 0 for a class that does not occur.",
  ],
  bottoms: { exact: 2 },
  tops: { min: 1, max: 2 },
  forceBackward: () => false,
  lower(context) {
    const { builder, parameter, topCount, check, fail } = context;
    const [x, labels] = context.bottoms;
    const axis = canonicalAxis(context, parameter.axis, x.shape, "axis");
    const classes = x.shape[axis];
    const positions = countBetween(x.shape, 0) / classes;
    if (countBetween(labels.shape, 0) !== positions)
      fail(
        `scores of shape ${showShape(x.shape)} with classes along axis ${axis} need ${positions} labels, and the labels have the shape ${showShape(labels.shape)}`,
        undefined,
        { bottoms: [0, 1] },
      );
    // With 0 nothing is a hit.
    if (parameter.top_k > classes)
      fail(`top_k must be at most the number of classes, ${classes}, not ${parameter.top_k}`, "top_k", {
        bottoms: [0],
      });
    const ignore = ignoredLabel(parameter);
    check({
      node: labels,
      min: 0,
      max: classes - 1,
      except: ignore,
      message: `labels must be from 0 to ${classes - 1}, for ${classes} classes`,
    });
    const scores = builder.stop(x);
    const perLabel = x.shape.map((extent, i) => (i === axis ? 1 : extent));
    const label = builder.reshape(builder.stop(labels), perLabel);
    // Operand 0 where the class is the label in operand 1, else 0.
    const ofLabel = select("eq", coord(axis), truncated(arg(1)), arg(0), constant(0));
    const own = builder.reduce("sum", builder.map(ofLabel, [scores, label], x.shape), [axis]);
    const better = builder.reduce(
      "sum",
      builder.map(select("ge", arg(0), arg(1), constant(1), constant(0)), [scores, own], x.shape),
      [axis],
    );
    const counted = countedLabels(builder, label, ignore);
    const correct = builder.map(
      mul(select("le", arg(0), constant(parameter.top_k), constant(1), constant(0)), arg(1)),
      [better, counted],
      perLabel,
    );
    // Hits by count; with nothing to count, 0 hits by 1.
    const share = div(arg(0), binary("max", arg(1), constant(1)));
    const all = perLabel.map((_, i) => i);
    const y = builder.map(
      share,
      [builder.reduce("sum", correct, all, true), builder.reduce("sum", counted, all, true)],
      [],
    );
    if (topCount < 2) return [y];
    const others = all.filter((i) => i !== axis);
    const perClass = (value: Node) =>
      builder.reduce("sum", builder.map(ofLabel, [value, label], x.shape), others, true);
    return [y, builder.map(share, [perClass(correct), perClass(counted)], [classes])];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape, shape.map((extent, axis) => (axis === 1 ? 1 : extent))];
    },
    settings: (draw, [shape]) => ({ accuracy_param: { top_k: draw.integer(1, shape[1]) } }),
    values: (layer, [shape]) => [
      { kind: "distinct", gap: 0.01 },
      { kind: "label", below: shape[1], or: ignoredLabel(parameterOf(layer, "accuracy_param")) },
    ],
    differentiable: [],
  },
});
