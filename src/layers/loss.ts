import type { GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node } from "../../codegen/ir/graph.js";
import { arg, binary, constant, div, neg, type Scalar, select, unary } from "../../codegen/ir/scalar.js";
import type { LossParameter } from "../../proto/index.js";
import { gives } from "./record.js";

/** What the loss and accuracy layers have in common. */

/** kLOG_THRESHOLD: where Caffe takes the log of a probability, the least that it takes it of. */
export const LEAST_PROBABILITY = 1e-20;

type Normalization = LossParameter["normalization"];

/** LossLayer::AllowForceBackward: into everything but the labels. */
export const notIntoLabels = (bottom: number): boolean => bottom !== 1;

/** The part before the decimal point: how Caffe reads a label from a float. */
export const truncated = (x: Scalar): Scalar =>
  select("lt", x, constant(0), neg(unary("floor", neg(x))), unary("floor", x));

/** How a loss is normalised: `normalization`, else what the old `normalize` meant, else the type's own default. */
export function normalizationOf(parameter: LossParameter, otherwise: Normalization): Normalization {
  if (gives(parameter, "normalization")) return parameter.normalization;
  if (gives(parameter, "normalize")) return parameter.normalize ? "VALID" : "BATCH_SIZE";
  return otherwise;
}

/** 1 where a label counts, 0 where it is the one to ignore. Without `ignore` all count. */
export function countedLabels(builder: GraphBuilder, label: Node, ignore: number | undefined): Node {
  if (ignore === undefined) return builder.constant(1, label.shape);
  const counts = select("eq", truncated(arg(0)), constant(ignore), constant(0), constant(1));
  return builder.map(counts, [label], label.shape);
}

/**
 * `each` where its label counts, else 0: chosen and not multiplied, so that NaN or infinity at an ignored position
 * spoils nothing. `counted` as of `countedLabels`.
 */
export const whereCounted = (builder: GraphBuilder, each: Node, counted: Node): Node =>
  builder.map(select("ne", arg(1), constant(0), arg(0), constant(0)), [each, counted], each.shape);

/** x, to which no gradient comes where `counted` is 0, whatever stands there. */
export const gradientWhereCounted = (builder: GraphBuilder, x: Node, counted: Node): Node =>
  builder.map(select("ne", arg(1), constant(0), arg(0), arg(2)), [x, counted, builder.stop(x)], x.shape);

/** The label that does not count, if the settings name one. */
export const ignoredLabel = (parameter: { readonly ignore_label: number }): number | undefined =>
  gives(parameter, "ignore_label") ? parameter.ignore_label : undefined;

/**
 * The sum of `losses` by Caffe's normaliser (LossLayer get_normalizer): at least 1, so that a batch of which
 * nothing counts has loss 0. The result has the shape [].
 *
 * @param batch the first extent of the scores, for BATCH_SIZE
 * @param counted 1 or 0 for each loss, of the same shape, for VALID
 */
export function normalizedLoss(
  builder: GraphBuilder,
  losses: Node,
  normalization: Normalization,
  batch: number,
  counted: Node,
): Node {
  const all = losses.shape.map((_, axis) => axis);
  const total = builder.reduce("sum", losses, all, true);
  const size = losses.shape.reduce((product, extent) => product * extent, 1);
  const by = (count: number): Node => builder.map(div(arg(0), constant(Math.max(1, count))), [total]);
  switch (normalization) {
    case "FULL":
      return by(size);
    case "BATCH_SIZE":
      return by(batch);
    case "NONE":
      return by(1);
    case "VALID": {
      if (counted.op === "constant") return by(size);
      const count = builder.reduce("sum", counted, all, true);
      return builder.map(div(arg(0), binary("max", arg(1), constant(1))), [total, count]);
    }
    default:
      return normalization satisfies never;
  }
}
