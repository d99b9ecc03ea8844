import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { defineLayer } from "../record.js";
import { canonicalAxis } from "../shapes.js";

export const crop = defineLayer({
  type: "Crop",
  parameter: "crop_param",
  summary: "Cuts the first bottom to the extents of the second, from axis on.",
  equation: "y[…, i, …] = x₁[…, i + offset, …]",
  notes: [
    "offset is given once for all cut axes, or once for each; default 0. Only the second bottom's shape matters.",
  ],
  bottoms: { exact: 2 },
  tops: { exact: 1 },
  lower(context) {
    const { builder, parameter, fail } = context;
    const [x, reference] = context.bottoms;
    const axis = canonicalAxis(context, parameter.axis, x.shape, "axis");
    const rank = x.shape.length;
    const { offset } = parameter;
    if (offset.length > 1 && offset.length !== rank - axis)
      fail(
        `offset is given ${offset.length} times for ${rank - axis} axes from axis ${axis} on: give it once, or once for each`,
        "offset",
        { bottoms: [0] },
      );
    if (reference.shape.length < rank)
      fail(
        `the second bottom, ${showShape(reference.shape)}, must have as many axes as the first, ${showShape(x.shape)}`,
        undefined,
        { bottoms: [0, 1] },
      );
    let y = x;
    for (let i = axis; i < rank; i++) {
      const index = offset.length > 1 ? i - axis : 0;
      const start = offset[index] ?? 0;
      const [extent, whole] = [reference.shape[i], x.shape[i]];
      if (start + extent > whole)
        fail(
          `${extent} positions from offset ${start} on reach over the end of axis ${i}, which has ${whole}`,
          "offset",
          { index, bottoms: [0, 1] },
        );
      y = builder.slice(y, i, start, extent);
    }
    return [y];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 1, 4);
      return shape && [shape, shape.map((extent) => draw.integer(1, extent))];
    },
    settings: (draw, [shape, reference]) => {
      const axis = draw.integer(0, shape.length - 1);
      const room = shape.map((extent, i) => extent - reference[i]).slice(axis);
      const offset = draw.boolean()
        ? room.map((most) => draw.integer(0, most))
        : [draw.integer(0, Math.min(...room))];
      return { crop_param: { axis: draw.of([axis, axis - shape.length]), offset } };
    },
    differentiable: [0],
  },
});
