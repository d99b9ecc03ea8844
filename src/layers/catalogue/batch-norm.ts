import { type Node, sizeOf } from "../../../codegen/ir/graph.js";
import { add, arg, binary, constant, div, mul, select, sub, unary } from "../../../codegen/ir/scalar.js";
import { laidAlong } from "../broadcast.js";
import { drawShape } from "../domain.js";
import { defineLayer, gives } from "../record.js";

export const batchNorm = defineLayer({
  type: "BatchNorm",
  parameter: "batch_norm_param",
  summary:
    "Brings each channel to mean 0 and variance 1: by the batch's statistics in TRAIN, by kept ones in TEST.",
  equation: "y = (x − mean) / √(variance + eps)",
  notes: [
    "Blobs 0 and 1 are decayed sums of mean and variance, blob 2 is the sum of their weights; none is learned.",
    "The kept variance is multiplied by m / (m − 1), m the values per channel; the one used in TRAIN is not.",
    "use_global_stats decides the same for both phases.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  inPlace: true,
  lower({ builder, bottoms: [x], parameter, phase, state, update }) {
    const global = gives(parameter, "use_global_stats") ? parameter.use_global_stats : phase === "TEST";
    const channels = x.shape.length > 1 ? x.shape[1] : 1;
    const kept = [state(0, [channels]), state(1, [channels]), state(2, [1])] as const;
    const along = x.shape.map((extent, axis) => (axis === 1 ? extent : 1));
    const others = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const normalized = (centred: Node, variance: Node) =>
      builder.map(
        div(arg(0), unary("sqrt", add(arg(1), constant(parameter.eps)))),
        [centred, variance],
        x.shape,
      );
    const difference = sub(arg(0), arg(1));
    if (global) {
      const byWeight = select("eq", arg(1), constant(0), constant(0), div(arg(0), arg(1)));
      const [mean, variance] = [kept[0], kept[1]].map((sum) =>
        laidAlong(builder, builder.map(byWeight, [builder.stop(sum), builder.stop(kept[2])]), x, 1),
      );
      return [normalized(builder.map(difference, [x, mean], x.shape), variance)];
    }
    const size = sizeOf(x.shape) / channels;
    const average = (values: Node) =>
      builder.map(mul(arg(0), constant(1 / size)), [builder.reduce("sum", values, others)], along);
    const mean = average(x);
    const centred = builder.map(difference, [x, mean], x.shape);
    const variance = average(builder.map(mul(arg(0), arg(0)), [centred], x.shape));
    const { moving_average_fraction: decay } = parameter;
    const decayed = (old: Node, now: Node, factor: number) =>
      builder.map(
        binary("add", mul(constant(decay), arg(0)), mul(constant(factor), arg(1))),
        [old, builder.reshape(now, [channels])],
        [channels],
      );
    update(0, decayed(kept[0], mean, 1));
    update(1, decayed(kept[1], variance, size > 1 ? size / (size - 1) : 1));
    update(2, builder.map(add(mul(constant(decay), arg(0)), constant(1)), [kept[2]]));
    return [normalized(centred, variance)];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = first
        ? drawShape(draw, first, 2, 4)
        : [draw.integer(2, 4), draw.integer(1, 3), draw.integer(2, 4)];
      return shape && sizeOf(shape) > 2 * shape[1] ? [shape] : undefined;
    },
    settings: (draw) => ({ batch_norm_param: { eps: draw.of([1e-3, 1e-2]), use_global_stats: false } }),
    values: () => [{ kind: "distinct", gap: 0.1 }],
  },
});
