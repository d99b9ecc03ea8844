import type { GraphBuilder } from "../../../codegen/ir/builder.js";
import type { Node } from "../../../codegen/ir/graph.js";
import { binary, constant, coord, mul, sub, unary } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { defineLayer, gives } from "../record.js";
import { countBetween } from "../shapes.js";

export const interp = defineLayer({
  type: "Interp",
  param: {
    name: "interp_param",
    fields: {
      height: { type: "int32", default: 0, number: 1 },
      width: { type: "int32", default: 0, number: 2 },
      zoom_factor: { type: "int32", default: 1, number: 3 },
      shrink_factor: { type: "int32", default: 1, number: 4 },
      pad_beg: { type: "int32", default: 0, number: 5 },
      pad_end: { type: "int32", default: 0, number: 6 },
    },
  },
  summary: "Another height and width by bilinear interpolation, corner on corner: DeepLab's and PSPNet's.",
  equation: "y[n, c, i, j] = Σ_{h, w} max(0, 1 − |i · r − h|) · max(0, 1 − |j · s − w|) · x[n, c, h, w]",
  notes: [
    "r = (H − 1) / (height − 1), s = (W − 1) / (width − 1); 0 where the top's extent is 1.",
    "pad_beg and pad_end are 0 or negative: so many rows and columns are cut off at each side first, which gives H and W.",
    "The top's extent is (H − 1) / shrink_factor + 1, H + (H − 1) · (zoom_factor − 1), both one after the other, or height and width.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [x], parameter, fail }) {
    if (x.shape.length !== 4)
      fail(`the bottom must have 4 axes, not the shape ${showShape(x.shape)}`, undefined, { bottoms: [0] });
    const { pad_beg: before, pad_end: after, zoom_factor: zoom, shrink_factor: shrink } = parameter;
    for (const field of ["pad_beg", "pad_end"] as const)
      if (parameter[field] > 0) fail(`${field} must be 0 or negative, not ${parameter[field]}`, field);
    for (const field of ["zoom_factor", "shrink_factor"] as const)
      if (parameter[field] < 1) fail(`${field} must be at least 1, not ${parameter[field]}`, field);
    const factors = gives(parameter, "zoom_factor") || gives(parameter, "shrink_factor");
    const both = gives(parameter, "zoom_factor") && gives(parameter, "shrink_factor");
    const sized = gives(parameter, "height") && gives(parameter, "width");
    if (!factors && !sized) fail("give zoom_factor, shrink_factor, or height and width", "height");
    const [, , ...extents] = x.shape.map((extent) => extent + before + after);
    if (extents.some((extent) => extent < 1))
      fail(
        `nothing is left of ${showShape(x.shape.slice(2))} without the ends`,
        before < 0 ? "pad_beg" : "pad_end",
        {
          bottoms: [0],
        },
      );
    const outputs = extents.map((extent, i) => {
      // Both factors beside height and width: the size counts.
      if (sized && (both || !factors)) return i === 0 ? parameter.height : parameter.width;
      const small = Math.floor((extent - 1) / shrink) + 1;
      return small + (small - 1) * (zoom - 1);
    });
    for (const [i, output] of outputs.entries())
      if (output < 1) fail(`an extent must be positive, not ${output}`, i === 0 ? "height" : "width");
    const [height, width] = extents;
    const cut = builder.slice(builder.slice(x, 2, -before, height), 3, -before, width);
    const planes = countBetween(x.shape, 0, 2);
    const rows = builder.matmul(
      hats(builder, outputs[0], height),
      builder.reshape(cut, [planes, height, width]),
    );
    const flat = builder.reshape(rows, [1, planes * outputs[0], width]);
    const y = builder.matmul(flat, hats(builder, outputs[1], width), false, true);
    return [builder.reshape(y, [x.shape[0], x.shape[1], ...outputs])];
  },
  domain: {
    shapes: (draw, first) => {
      if (first) return first.length === 4 && Math.min(...first) > 0 ? [first] : undefined;
      return [[1, draw.integer(1, 2), draw.integer(1, 5), draw.integer(1, 5)]];
    },
    settings: (draw, [shape]) => {
      const small = Math.min(shape[2], shape[3]) < 3;
      const size = draw.of([
        { height: draw.integer(1, 6), width: draw.integer(1, 6) },
        { zoom_factor: draw.integer(1, 3) },
        { shrink_factor: draw.integer(1, 3) },
        { zoom_factor: 2, shrink_factor: 2 },
      ]);
      return {
        interp_param: {
          ...size,
          pad_beg: small ? 0 : draw.of([0, -1]),
          pad_end: small ? 0 : draw.of([0, -1]),
        },
      };
    },
  },
});

/** [1, outputs, inputs]: what each output takes of each input, a hat of width 2 around the output's place. */
function hats(builder: GraphBuilder, outputs: number, inputs: number): Node {
  const ratio = outputs > 1 ? (inputs - 1) / (outputs - 1) : 0;
  const distance = unary("abs", sub(mul(coord(1), constant(ratio)), coord(2)));
  return builder.map(binary("max", sub(constant(1), distance), constant(0)), [], [1, outputs, inputs]);
}
