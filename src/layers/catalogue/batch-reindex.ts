import { arg } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { refuseGradient } from "../labels.js";
import { notIntoLabels } from "../loss.js";
import { defineLayer } from "../record.js";

export const batchReindex = defineLayer({
  type: "BatchReindex",
  summary: "Picks items of the batch by position: each as often as the second bottom names it.",
  equation: "y[i, …] = x₁[x₂[i], …]",
  notes: ["There is no gradient into the positions. An item that is picked twice gets both gradients."],
  bottoms: { exact: 2 },
  tops: { exact: 1 },
  forceBackward: notIntoLabels,
  lower(context) {
    const { builder, check, fail } = context;
    const [x, position] = context.bottoms;
    refuseGradient(context, 1, "positions");
    if (x.shape.length === 0)
      fail("the first bottom must have an axis to pick from", undefined, { bottoms: [0] });
    if (position.shape.length !== 1)
      fail(`the positions must have one axis, not the shape ${showShape(position.shape)}`, undefined, {
        bottoms: [1],
      });
    check({
      node: position,
      min: 0,
      max: x.shape[0] - 1,
      message: `positions must be from 0 to ${x.shape[0] - 1}, for a batch of ${x.shape[0]}`,
    });
    return [builder.gather(x, builder.map(arg(0), [position], position.shape, "index"))];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 1, 4);
      return shape && [shape, [draw.integer(1, 5)]];
    },
    values: (_layer, [shape]) => [
      { kind: "real", min: -2, max: 2 },
      { kind: "label", below: shape[0] },
    ],
    differentiable: [0],
  },
});
