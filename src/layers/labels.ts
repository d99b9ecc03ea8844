/** What layers with labels or positions for a bottom have in common. */

import type { Node } from "../../codegen/ir/graph.js";
import { showShape } from "../../proto/words/amounts.js";
import type { LayerContext } from "./record.js";
import { countBetween } from "./shapes.js";

/**
 * Refuses `propagate_down: true` at a bottom that has no gradient: labels, positions, an infogain matrix. Caffe stops
 * when backward gets there.
 */
export function refuseGradient(
  { layer, fail }: Pick<LayerContext, "layer" | "fail">,
  bottom: number,
  what: string,
): void {
  if (layer.propagate_down[bottom])
    fail(
      `there is no gradient into ${what}: propagate_down must be false for bottom ${bottom + 1}`,
      "propagate_down",
      {
        in: layer,
        index: bottom,
      },
    );
}

/** The bottoms of a loss whose scores are one row for each label. */
export interface LabelledRows {
  readonly rows: number;
  readonly classes: number;
  /** The first bottom as rows × classes. */
  readonly x: Node;
  /** The labels as rows × 1. */
  readonly label: Node;
}

/**
 * Scores as a matrix, the first axis as rows, with one label for each row: LossLayer::Reshape, and a check of the
 * labels' range when the net runs.
 */
export function labelledRows(context: LayerContext): LabelledRows {
  const { builder, bottoms, check, fail } = context;
  const [x, labels] = bottoms;
  refuseGradient(context, 1, "labels");
  if (x.shape.length === 0) fail("the scores must have an axis of rows", undefined, { bottoms: [0] });
  const rows = x.shape[0];
  const classes = countBetween(x.shape, 1);
  if (countBetween(labels.shape, 0) !== rows)
    fail(
      `scores of shape ${showShape(x.shape)} need ${rows} labels, one for each row, and the labels have the shape ${showShape(labels.shape)}`,
      undefined,
      { bottoms: [0, 1] },
    );
  check({
    node: labels,
    min: 0,
    max: classes - 1,
    message: `labels must be from 0 to ${classes - 1}, for ${classes} classes`,
  });
  return {
    rows,
    classes,
    x: builder.reshape(x, [rows, classes]),
    label: builder.reshape(builder.stop(labels), [rows, 1]),
  };
}
