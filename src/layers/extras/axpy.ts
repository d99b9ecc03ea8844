import { sameShape } from "../../../codegen/ir/graph.js";
import { add, arg, mul } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawNewShape } from "../domain.js";
import { defineLayer } from "../record.js";

export const axpy = defineLayer({
  type: "Axpy",
  summary: "Scales each channel of its second bottom by the first, and adds the third: SENet's.",
  equation: "y[n, c, p] = x₁[n, c] · x₂[n, c, p] + x₃[n, c, p]",
  notes: ["x₁ has the shape N × C, with or without extents of 1 behind."],
  bottoms: { exact: 3 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [scale, x, y], fail }) {
    const shapes = [scale, x, y].map((bottom) => showShape(bottom.shape));
    if (!sameShape(x.shape, y.shape))
      fail(
        `the second and third bottom must have one shape, and theirs are ${shapes[1]} and ${shapes[2]}`,
        undefined,
        {
          bottoms: [1, 2],
        },
      );
    const along = x.shape.map((extent, axis) => (axis < 2 ? extent : 1));
    const fits =
      x.shape.length >= 2 &&
      scale.shape.length >= 2 &&
      scale.shape.every((extent, axis) => extent === (axis < 2 ? x.shape[axis] : 1));
    if (!fits)
      fail(
        `the first bottom must have one value for each channel of the second, ${shapes[1]}, and has the shape ${shapes[0]}`,
        undefined,
        { bottoms: [0, 1] },
      );
    return [builder.map(add(mul(arg(0), arg(1)), arg(2)), [builder.reshape(scale, along), x, y])];
  },
  domain: {
    shapes: (draw, first) => {
      if (first && !(first.length === 2 || first.slice(2).every((extent) => extent === 1))) return undefined;
      const scale = first ?? drawNewShape(draw, 2, 2);
      if (scale.length < 2) return undefined;
      const shape = [scale[0], scale[1], draw.integer(1, 4), draw.integer(1, 4)];
      return [scale, shape, shape];
    },
  },
});
