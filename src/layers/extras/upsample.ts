import { type Node, sameShape } from "../../../codegen/ir/graph.js";
import {
  add,
  arg,
  constant,
  coord,
  div,
  mul,
  type Scalar,
  select,
  sub,
  unary,
} from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { defineLayer, gives } from "../record.js";

export const upsample = defineLayer({
  type: "Upsample",
  param: {
    name: "upsample_param",
    number: 149,
    fields: {
      scale: { type: "int32", number: 1 },
      scale_h: { type: "int32", number: 2 },
      scale_w: { type: "int32", number: 3 },
      pad_out_h: { type: "bool", number: 4 },
      pad_out_w: { type: "bool", number: 5 },
      upsample_h: { type: "int32", number: 6 },
      upsample_w: { type: "int32", number: 7 },
    },
  },
  summary:
    "Makes images larger: each value repeated (YOLO's), or put back where pooling took it from (SegNet's).",
  equation:
    "y[n, c, i, j] = x[n, c, ⌊i / scale⌋, ⌊j / scale⌋]; with a mask y[n, c, mask[n, c, p]] = x[n, c, p], else 0",
  notes: [
    "The mask is a second bottom, the second top of a Pooling whose kernel and stride are both scale; a position outside its window is refused at run time.",
    "Without scale it is 1, with a mask 2. scale_h and scale_w give it for each axis.",
    "With a mask pad_out_h and pad_out_w take one row and column off at the end; upsample_h and upsample_w say the extents.",
  ],
  bottoms: { min: 1, max: 2 },
  tops: { exact: 1 },
  forceBackward: (bottom) => bottom !== 1,
  lower({ builder, bottoms: [x, mask], parameter, check, fail }) {
    const bottoms = { bottoms: mask ? [0, 1] : [0] };
    if (x.shape.length !== 4)
      fail(`the bottom must have 4 axes, not the shape ${showShape(x.shape)}`, undefined, bottoms);
    if (mask && !sameShape(mask.shape, x.shape))
      fail(
        `the mask has the shape ${showShape(mask.shape)}, and the bottom ${showShape(x.shape)}`,
        undefined,
        bottoms,
      );
    const [batch, channels, ...extents] = x.shape;
    const scales = (["scale_h", "scale_w"] as const).map((field) => {
      const from = gives(parameter, field) ? field : "scale";
      const scale = gives(parameter, from) ? parameter[from] : mask ? 2 : 1;
      if (scale < 1) fail(`${from} must be at least 1, not ${scale}`, from);
      return scale;
    });
    if (!mask) {
      for (const field of ["pad_out_h", "pad_out_w", "upsample_h", "upsample_w"] as const)
        if (gives(parameter, field)) fail(`${field} goes with a mask, and there is no second bottom`, field);
      const [height, width] = extents;
      const spread = [batch, channels, height, scales[0], width, scales[1]];
      const repeated = builder.map(
        arg(0),
        [builder.reshape(x, [batch, channels, height, 1, width, 1])],
        spread,
      );
      return [builder.reshape(repeated, [batch, channels, height * scales[0], width * scales[1]])];
    }
    const window = extents.map((windows, i) => {
      const letter = (["h", "w"] as const)[i];
      const [size, field] = [scales[i], `upsample_${letter}`] as const;
      const least = (windows - 1) * size + 1;
      const extent = gives(parameter, field)
        ? parameter[field]
        : windows * size - (parameter[`pad_out_${letter}`] ? 1 : 0);
      if (extent < least || extent > windows * size)
        fail(`${field} must be ${least} to ${windows * size}, and is ${extent}`, field, { bottoms: [0] });
      return { axis: i + 2, size, stride: size, pad: 0, windows, extent };
    });
    check({
      node: builder.map(isInside(window[0].size, window[1]), [mask], mask.shape),
      min: 1,
      max: 1,
      message: "each position of the mask must lie in the window that it belongs to (1 where it does)",
    });
    const position: Node = builder.map(arg(0), [builder.stop(mask)], mask.shape, "index");
    return [builder.windowScatter(x, position, window)];
  },
  domain: {
    shapes: (draw, first) => {
      if (first && first.length !== 4) return undefined;
      const plane = [draw.integer(1, 2), draw.integer(1, 2)];
      if (first) return [first];
      // Of a plane of one value every position is inside the window.
      if (draw.boolean())
        return [
          [...plane, 1, 1],
          [...plane, 1, 1],
        ];
      return [[...plane, draw.integer(1, 3), draw.integer(1, 3)]];
    },
    settings: (draw, shapes) => ({ upsample_param: { scale: shapes.length > 1 ? 2 : draw.integer(1, 3) } }),
    values: (_, shapes) => [
      { kind: "real", min: -2, max: 2 },
      ...(shapes.length > 1 ? [{ kind: "label", below: 4 } as const] : []),
    ],
    differentiable: [0],
  },
});

/** 1 where the mask's position (row by row in the plane above) lies in the window of its own place, else 0. */
function isInside(rows: number, columns: { readonly size: number; readonly extent: number }): Scalar {
  const row = unary("floor", div(arg(0), constant(columns.extent)));
  const column = sub(arg(0), mul(row, constant(columns.extent)));
  const within = (at: Scalar, axis: number, size: number): Scalar => {
    const start = mul(coord(axis), constant(size));
    const below = select("lt", at, add(start, constant(size)), constant(1), constant(0));
    return select("ge", at, start, below, constant(0));
  };
  return mul(within(row, 2, rows), within(column, 3, columns.size));
}
