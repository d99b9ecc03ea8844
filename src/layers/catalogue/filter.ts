import { arg, constant, coord, select } from "../../../codegen/ir/scalar.js";
import { showShape } from "../../../proto/words/amounts.js";
import { drawShape } from "../domain.js";
import { refuseGradient } from "../labels.js";
import { defineLayer } from "../record.js";
import { countBetween } from "../shapes.js";

export const filter = defineLayer({
  type: "Filter",
  summary: "Keeps the items of the batch whose value in the last bottom, the selector, is not 0.",
  equation: "yₜ[j, …] = xₜ[i, …], i the j-th item with selector[i] ≠ 0",
  notes: [
    "The first extent of the tops is the number of items kept: the net is compiled for it when a forward has found it, and keeps the programs for the last few numbers.",
    "An item that is not kept gets the gradient 0; there is none into the selector.",
  ],
  bottoms: { min: 2 },
  tops: { min: 1 },
  lower(context) {
    const { builder, layer, bottoms, topCount, countNonzero, fail } = context;
    const items = bottoms.slice(0, -1);
    const selector = bottoms[items.length];
    refuseGradient(context, items.length, "the selector");
    if (topCount !== items.length)
      fail(`it makes one top for each bottom but the selector: ${items.length}, not ${topCount}`, "top", {
        in: layer,
        index: Math.min(topCount - 1, items.length),
      });
    if (selector.shape.length === 0 || countBetween(selector.shape, 1) !== 1)
      fail(
        `the selector, the last bottom, must have one value for each item, and has the shape ${showShape(selector.shape)}`,
        undefined,
        { bottoms: [items.length] },
      );
    const [count] = selector.shape;
    for (const [i, x] of items.entries())
      if (x.shape[0] !== count)
        fail(
          `the selector has ${count} values, and bottom ${i + 1} has the shape ${showShape(x.shape)}`,
          undefined,
          { bottoms: [i, items.length] },
        );
    const vector = builder.reshape(builder.stop(selector), [count]);
    const kept = countNonzero(vector);
    if (kept === 0) return items.map((x) => builder.constant(0, [0, ...x.shape.slice(1)]));
    // How many kept items stand before each; then, for each place, the item that is kept and has so many before it.
    const isKept = select("ne", arg(0), constant(0), constant(1), constant(0));
    const before = builder.reduce(
      "sum",
      builder.map(select("lt", coord(1), coord(0), isKept, constant(0)), [vector], [count, count]),
      [1],
      true,
    );
    const itsOwn = select("ne", arg(0), constant(0), coord(1), constant(0));
    const position = builder.reduce(
      "sum",
      builder.map(select("eq", arg(1), coord(0), itsOwn, constant(0)), [vector, before], [kept, count]),
      [1],
      true,
    );
    const index = builder.map(arg(0), [position], [kept], "index");
    return items.map((x) => builder.gather(x, index));
  },
  domain: {
    shapes: (draw, first) => {
      const shape = drawShape(draw, first, 1, 4);
      return shape && [shape, [shape[0]]];
    },
    // The gradient check runs one program: all are kept.
    values: () => [
      { kind: "real", min: -2, max: 2 },
      { kind: "real", min: 1, max: 2, bounded: true },
    ],
    differentiable: [0],
  },
});
