import { times } from "../arity.js";
import { drawShape } from "../domain.js";
import { defineLayer, gives } from "../record.js";
import { canonicalAxis } from "../shapes.js";

export const slice = defineLayer({
  type: "Slice",
  parameter: "slice_param",
  summary: "Cuts its bottom along an axis: at the slice points, or into equal parts.",
  equation: "[y₁ y₂ …] = x",
  bottoms: { exact: 1 },
  tops: { min: 1 },
  lower(context) {
    const { builder, parameter, topCount, fail } = context;
    const [x] = context.bottoms;
    const old = gives(parameter, "slice_dim");
    if (old && gives(parameter, "axis")) fail("give either axis or slice_dim, not both", "slice_dim");
    const field = old ? "slice_dim" : "axis";
    const axis = canonicalAxis(context, parameter[field], x.shape, field);
    const extent = x.shape[axis];
    const { slice_point: points } = parameter;
    if (points.length > 0 && points.length !== topCount - 1)
      fail(
        `slice_point is given ${times(points.length)}, and ${topCount} tops need ${topCount - 1}: one between each two`,
        "slice_point",
      );
    if (points.length === 0 && extent % topCount !== 0)
      fail(`${extent} cannot be cut into ${topCount} equal parts: give slice_point`, field, { bottoms: [0] });
    const equal = Array.from({ length: topCount - 1 }, (_, i) => ((i + 1) * extent) / topCount);
    const ends = [...(points.length > 0 ? points : equal), extent];
    return ends.map((end, i) => {
      const start = i === 0 ? 0 : ends[i - 1];
      if (end <= start || end > extent)
        fail(`slice points must ascend between 0 and ${extent}`, "slice_point", {
          index: Math.min(i, points.length - 1),
          bottoms: [0],
        });
      return builder.slice(x, axis, start, end - start);
    });
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape];
    },
    tops: (draw, [shape]) => draw.of([1, shape[1]]),
  },
});
