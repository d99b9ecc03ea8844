import type { Node } from "../../../codegen/ir/graph.js";
import { arg, constant, mul, type Scalar, select, sub } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { gradientWhereCounted, truncated } from "../loss.js";
import { defineLayer } from "../record.js";
import { guardedRoot } from "../root.js";
import { countBetween } from "../shapes.js";

/** What Caffe adds to a distance before it divides by it. */
const EPSILON = 1e-4;

export const contrastiveLoss = defineLayer({
  type: "ContrastiveLoss",
  parameter: "contrastive_loss_param",
  summary: "Draws pairs of rows together that are alike, and others apart up to a margin.",
  equation: "y = Σ (s · d² + (1 − s) · max(margin − d, 0)²) / 2N, d = ‖x₁ − x₂‖, s = 1 where x₃ ≠ 0",
  notes: [
    "legacy_version takes max(margin − d², 0) for pairs that are not alike.",
    "The derivative of d is (x₁ − x₂) / (d + 10⁻⁴), as in Caffe: rows that are equal get the gradient 0.",
  ],
  bottoms: { exact: 3 },
  tops: { exact: 1 },
  autoTop: true,
  lossWeight: 1,
  forceBackward: (bottom) => bottom !== 2,
  lower({ builder, bottoms: [a, b, alike], parameter, fail }) {
    const { margin, legacy_version: legacy } = parameter;
    const isRows = (shape: readonly number[]): boolean =>
      shape.length >= 1 && shape.length <= 4 && countBetween(shape, 2) === 1;
    if (!isRows(a.shape) || !isRows(b.shape) || a.shape[0] !== b.shape[0] || a.shape[1] !== b.shape[1])
      fail(
        `the first two bottoms must be rows of as many values, N×C, and their shapes are ${showShape(a.shape)} and ${showShape(b.shape)}`,
        undefined,
        { bottoms: [0, 1] },
      );
    const [rows, length] = [a.shape[0], a.shape[1] ?? 1];
    if (countBetween(alike.shape, 0) !== rows)
      fail(
        `there must be one value for each of the ${rows} pairs, and the third bottom has the shape ${showShape(alike.shape)}`,
        undefined,
        { bottoms: [0, 2] },
      );
    const matrix = [rows, length];
    const difference = builder.map(
      sub(arg(0), arg(1)),
      [builder.reshape(a, matrix), builder.reshape(b, matrix)],
      matrix,
    );
    const flag = builder.reshape(builder.stop(alike), [rows, 1]);
    const ofAlike = (then: Scalar, otherwise: Scalar): Scalar =>
      select("ne", truncated(arg(2)), constant(0), then, otherwise);
    const left = sub(constant(margin), arg(1));
    /** From differences: d², and what the margin is compared with, for each row. */
    const distances = (of: Node): readonly [squared: Node, distance: Node] => {
      const squared = builder.reduce("sum", builder.map(mul(arg(0), arg(0)), [of], matrix), [1]);
      return [squared, legacy ? squared : guardedRoot(builder, squared, EPSILON)];
    };
    // No gradient comes to pairs beyond the margin, however far they are.
    const within = builder.map(
      ofAlike(constant(1), select("gt", left, constant(0), constant(1), constant(0))),
      [...distances(builder.stop(difference)), flag],
      [rows, 1],
    );
    const missing = select("le", left, constant(0), constant(0), left);
    const terms = builder.map(
      ofAlike(arg(0), legacy ? missing : mul(missing, missing)),
      [...distances(gradientWhereCounted(builder, difference, within)), flag],
      [rows, 1],
    );
    return [builder.map(mul(arg(0), constant(0.5 / rows)), [builder.reduce("sum", terms, [0, 1], true)], [])];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 2);
      return shape && [shape, shape, [shape[0]]];
    },
    // Within the margin, 10⁻⁴ sets the derivative apart from the differences: there the legacy version only.
    settings: (draw) => {
      const legacy = draw.boolean();
      return {
        contrastive_loss_param: { legacy_version: legacy, margin: legacy ? draw.real(0.5, 4) : 1e-6 },
      };
    },
    values: () => [
      { kind: "real", min: -2, max: 2 },
      { kind: "real", min: -2, max: 2 },
      { kind: "label", below: 2 },
    ],
    differentiable: [0, 1],
  },
});
