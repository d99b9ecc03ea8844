import { arg, constant, mul, sub } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { twoAlike } from "../domain.js";
import { defineLayer } from "../record.js";
import { countBetween } from "../shapes.js";

export const euclideanLoss = defineLayer({
  type: "EuclideanLoss",
  summary: "Half the squared distance of its bottoms, per image.",
  equation: "y = Σ (x₁ − x₂)² / 2N, N the first extent",
  notes: ["The gradient goes into both bottoms."],
  bottoms: { exact: 2 },
  tops: { exact: 1 },
  autoTop: true,
  lossWeight: 1,
  lower({ builder, bottoms: [a, b], fail }) {
    const batch = a.shape[0] ?? 1;
    if (batch !== (b.shape[0] ?? 1) || countBetween(a.shape, 1) !== countBetween(b.shape, 1))
      fail(
        `bottoms must have as many values, and their shapes are ${showShape(a.shape)} and ${showShape(b.shape)}`,
        undefined,
        { bottoms: [0, 1] },
      );
    const difference = builder.map(sub(arg(0), arg(1)), [a, builder.reshape(b, a.shape)], a.shape);
    const squares = builder.map(mul(arg(0), arg(0)), [difference], a.shape);
    const total = builder.reduce(
      "sum",
      squares,
      a.shape.map((_, axis) => axis),
      true,
    );
    return [builder.map(mul(arg(0), constant(0.5 / batch)), [total])];
  },
  domain: { shapes: twoAlike },
});
