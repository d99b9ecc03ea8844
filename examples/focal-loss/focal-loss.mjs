// Focal loss (Lin et al. 2017): cross-entropy in which examples that are right already count little.
import { awayFrom, defineLayer, scalar } from "cortado";

const { arg, binary, constant, coord, mul, neg, select, sub, unary } = scalar;
const fields = { gamma: { type: "float", default: 2 }, alpha: { type: "float", default: 0.25 } };

export const focalLoss = defineLayer({
  type: "FocalLoss",
  param: { name: "focal_loss_param", fields },
  summary: "Cross-entropy of the softmax, weighted by how wrong it still is.",
  equation: "y = −alpha / N · Σₙ (1 − p)^gamma · log p, p the probability of sample n's label",
  bottoms: { exact: 2 },
  tops: { exact: 1 },
  autoTop: true,
  lossWeight: 1,
  lower({ builder, bottoms: [scores, label], parameter: { gamma, alpha }, check, fail }) {
    const [samples, classes] = scores.shape;
    if (scores.shape.length !== 2 || String(label.shape) !== String(samples))
      fail("it takes scores, N × classes, and N labels");
    if (!(gamma >= 0)) fail(`gamma must not be negative, and is ${gamma}`, "gamma");
    check({ node: label, min: 0, max: classes - 1, message: `a label must be 0 to ${classes - 1}` });
    const greatest = builder.stop(builder.reduce("max", scores, [1]));
    const shifted = builder.map(sub(arg(0), arg(1)), [scores, greatest]);
    const total = builder.reduce("sum", builder.map(unary("exp", arg(0)), [shifted]), [1]);
    const isLabel = select("eq", arg(1), coord(1), arg(0), constant(0));
    const own = builder.map(isLabel, [shifted, builder.reshape(label, [samples, 1])]);
    const logP = builder.map(sub(arg(0), unary("log", arg(1))), [builder.reduce("sum", own, [1]), total]);
    const miss = binary("max", sub(constant(1), unary("exp", arg(0))), constant(1e-12));
    const each = neg(mul(binary("pow", miss, constant(gamma)), mul(constant(alpha / samples), arg(0))));
    return [builder.reduce("sum", builder.map(each, [logP]), [0, 1], true)];
  },
  domain: {
    shapes: (draw, first = [draw.integer(2, 4), draw.integer(2, 4)]) =>
      first.length === 2 ? [first, [first[0]]] : undefined,
    settings: (draw) => ({ focal_loss_param: { gamma: draw.of([0, 0.5, 2]) } }),
    values: (_, [[, classes]]) => [awayFrom(), { kind: "label", below: classes }],
    differentiable: [0],
  },
});
