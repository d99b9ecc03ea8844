import { arg } from "../../../codegen/ir/scalar.js";
import { drawShape } from "../domain.js";
import { defineLayer, gives } from "../record.js";
import { canonicalAxis, countBetween } from "../shapes.js";

export const tile = defineLayer({
  type: "Tile",
  parameter: "tile_param",
  summary: "Repeats its bottom along an axis.",
  equation: "y[…, t · n + i, …] = x[…, i, …], n the extent of the axis, t = 0 … tiles − 1",
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower(context) {
    const { builder, parameter, fail } = context;
    const [x] = context.bottoms;
    const axis = canonicalAxis(context, parameter.axis, x.shape, "axis");
    const { tiles } = parameter;
    if (!gives(parameter, "tiles")) fail("tiles must be given", "tiles");
    if (tiles < 1) fail(`tiles must be at least 1, not ${tiles}`, "tiles");
    const [outer, inner] = [countBetween(x.shape, 0, axis), countBetween(x.shape, axis)];
    const once = builder.reshape(x, [outer, 1, inner]);
    return [
      builder.reshape(
        builder.map(arg(0), [once], [outer, tiles, inner]),
        x.shape.map((extent, i) => (i === axis ? tiles * extent : extent)),
      ),
    ];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 1, 4);
      return shape && [shape];
    },
    settings: (draw, [shape]) => ({
      tile_param: { axis: draw.integer(-shape.length, shape.length - 1), tiles: draw.integer(1, 3) },
    }),
  },
});
