import type { Node } from "../../../codegen/ir/graph.js";
import { arg, constant, coord, select } from "../../../codegen/ir/scalar.js";
import { defineLayer, gives } from "../record.js";
import { canonicalAxis, countBetween } from "../shapes.js";

/** One position costs a few operations of the graph: as many as this, not millions. */
const MOST_POSITIONS = 1024;

export const argmax = defineLayer({
  type: "ArgMax",
  parameter: "argmax_param",
  summary: "The positions of the top_k greatest values, or those values: of each image, or along an axis.",
  equation: "y = argmax x",
  notes: [
    "Without axis, out_max_val gives positions and values both; with axis, values in place of positions.",
    "On a tie the later position comes first, as in Caffe. It has no gradient.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  forceBackward: () => false,
  lower(context) {
    const { builder, parameter, fail } = context;
    const [bottom] = context.bottoms;
    const { top_k: count, out_max_val: values } = parameter;
    const byAxis = gives(parameter, "axis");
    const axis = byAxis ? canonicalAxis(context, parameter.axis, bottom.shape, "axis") : 1;
    const images = bottom.shape[0] ?? 1;
    const given = builder.stop(
      byAxis ? bottom : builder.reshape(bottom, [images, countBetween(bottom.shape, 0) / images]),
    );
    // NaN comes last.
    const comparable = select("eq", arg(0), arg(0), arg(0), constant(Number.NEGATIVE_INFINITY));
    const x = builder.map(comparable, [given], given.shape);
    if (count < 1 || count > x.shape[axis])
      fail(`top_k must be from 1 to ${x.shape[axis]}, the number of values, not ${count}`, "top_k", {
        bottoms: [0],
      });

    if (count > MOST_POSITIONS)
      fail(`Cortado finds at most ${MOST_POSITIONS} positions; top_k is ${count}`, "top_k");

    // One position at a time: the last of the greatest, which is then passed over.
    const positions: Node[] = [];
    const greatest: Node[] = [];
    let rest = x;
    for (let k = 0; k < count; k++) {
      const most = builder.reduce("max", rest, [axis]);
      const where = select("eq", arg(0), arg(1), coord(axis), constant(-1));
      const position = builder.reduce("max", builder.map(where, [rest, most], x.shape), [axis]);
      positions.push(position);
      const there = select("eq", coord(axis), arg(1), arg(0), constant(0));
      greatest.push(builder.reduce("sum", builder.map(there, [given, position], x.shape), [axis]));
      const without = select("eq", coord(axis), arg(1), constant(Number.NaN), arg(0));
      rest = builder.map(without, [rest, position], x.shape);
    }
    const chosen = builder.concat(byAxis && values ? greatest : positions, axis);
    if (byAxis) return [chosen];
    const parts = (values ? [chosen, builder.concat(greatest, axis)] : [chosen]).map((part) =>
      builder.reshape(part, [images, 1, count]),
    );
    // Caffe keeps at least three axes here.
    const y = builder.concat(parts, 1);
    const rank = Math.max(3, bottom.shape.length);
    return [builder.reshape(y, [...y.shape, ...new Array<number>(rank - 3).fill(1)])];
  },
  domain: { differentiable: [], values: () => [{ kind: "distinct", gap: 0.01 }] },
});
