import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { defineLayer } from "../record.js";
import { countBetween } from "../shapes.js";

export const reshape = defineLayer({
  type: "Reshape",
  parameter: "reshape_param",
  summary: "The same values in another shape.",
  equation: "y = x, with another shape",
  notes: [
    "shape replaces num_axes axes from axis on (-1: all that follow); 0 copies an extent, one -1 is what is left.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [x], parameter, fail }) {
    const rank = x.shape.length;
    const { axis, num_axes: count } = parameter;
    const start = axis >= 0 ? axis : rank + axis + 1;
    if (start < 0 || start > rank)
      fail(`axis ${axis} is not in ${-rank - 1} to ${rank}`, "axis", { bottoms: [0] });
    if (count < -1) fail(`num_axes must be -1 (all that follow) or a count, not ${count}`, "num_axes");
    const end = count === -1 ? rank : start + count;
    if (end > rank)
      fail(`${count} axes from axis ${start} on reach over the end of ${showShape(x.shape)}`, "num_axes", {
        bottoms: [0],
      });
    const wanted = parameter.shape?.dim ?? [];
    const at = { in: parameter.shape ?? parameter, bottoms: [0] };
    const dims = wanted.map((dim, i) => {
      if (dim < -1) fail(`an extent must be positive, 0 or -1, not ${dim}`, "dim", { ...at, index: i });
      if (dim === 0 && start + i >= rank)
        fail(`there is no axis ${start + i} to copy in a bottom of shape ${showShape(x.shape)}`, "dim", {
          ...at,
          index: i,
        });
      return dim === 0 ? x.shape[start + i] : dim;
    });
    const open = dims.indexOf(-1);
    if (dims.lastIndexOf(-1) !== open)
      fail("only one extent can be -1", "dim", { ...at, index: dims.lastIndexOf(-1) });
    const shape = [...x.shape.slice(0, start), ...dims, ...x.shape.slice(end)];
    const size = countBetween(x.shape, 0);
    const known = shape.reduce((product, extent) => (extent === -1 ? product : product * extent), 1);
    if (open === -1 ? known !== size : known === 0 || size % known !== 0) {
      fail(`${size} values do not fit the shape ${showShape(shape)}`, "dim", at);
    }
    return [
      builder.reshape(
        x,
        shape.map((extent) => (extent === -1 ? size / known : extent)),
      ),
    ];
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 2, 4);
      return shape && [shape];
    },
    settings: (draw) => ({
      reshape_param: { shape: { dim: draw.of([[0, -1], [-1], [0, -1, 1]]) } },
    }),
  },
});
