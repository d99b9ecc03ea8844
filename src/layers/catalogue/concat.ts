import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { defineLayer, gives } from "../record.js";
import { canonicalAxis } from "../shapes.js";

export const concat = defineLayer({
  type: "Concat",
  parameter: "concat_param",
  summary: "Puts its bottoms one behind the other along an axis.",
  equation: "y = [x₁ x₂ …]",
  bottoms: { min: 1 },
  tops: { exact: 1 },
  lower(context) {
    const { builder, bottoms, parameter, fail } = context;
    const old = gives(parameter, "concat_dim");
    if (old && gives(parameter, "axis")) fail("give either axis or concat_dim, not both", "concat_dim");
    const field = old ? "concat_dim" : "axis";
    const axis = canonicalAxis(context, parameter[field], bottoms[0].shape, field);
    for (const [i, x] of bottoms.entries()) {
      const fits =
        x.shape.length === bottoms[0].shape.length &&
        x.shape.every((extent, k) => k === axis || extent === bottoms[0].shape[k]);
      if (!fits) {
        const shapes = `${showShape(bottoms[0].shape)} and ${showShape(x.shape)}`;
        fail(`bottoms can differ along axis ${axis} only, and their shapes are ${shapes}`, undefined, {
          bottoms: [0, i],
        });
      }
    }
    return [builder.concat(bottoms, axis)];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape, shape.map((extent, axis) => (axis === 1 ? draw.integer(1, 4) : extent))];
    },
    settings: (draw, shapes) => ({ concat_param: { axis: draw.of([1, 1 - shapes[0].length]) } }),
  },
});
