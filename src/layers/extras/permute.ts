import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { defineLayer } from "../record.js";

export const permute = defineLayer({
  type: "Permute",
  param: {
    name: "permute_param",
    number: 202,
    fields: { order: { type: "uint32", repeated: true, number: 1 } },
  },
  summary: "Puts the axes in another order: SSD's.",
  equation: "y[i₀, i₁, …] = x[j₀, j₁, …] with j[order[k]] = i[k]",
  notes: ["Axes that order does not name follow in their own order."],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [x], parameter: { order }, fail }) {
    const rank = x.shape.length;
    for (const [index, axis] of order.entries()) {
      if (axis >= rank)
        fail(`there is no axis ${axis} in a bottom of shape ${showShape(x.shape)}`, "order", {
          index,
          bottoms: [0],
        });
      if (order.indexOf(axis) !== index) fail(`axis ${axis} is given twice`, "order", { index });
    }
    const rest = x.shape.map((_, axis) => axis).filter((axis) => !order.includes(axis));
    return [builder.transpose(x, [...order, ...rest])];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape];
    },
    settings: (draw, [shape]) => {
      const last = shape.length - 1;
      return { permute_param: { order: draw.of([[0], [last], [0, last], [last, 0], [1, 0]]) } };
    },
  },
});
