import type { Shape } from "../../../codegen/ir/graph.js";
import { showShape } from "../../../proto/words/amounts.js";
import { lstmStep } from "../lstm-step.js";
import { defineLayer } from "../record.js";

export const lstmUnit = defineLayer({
  type: "LSTMUnit",
  summary: "One step of an LSTM without its weights: the next cell and hidden state from the gates' sums.",
  equation: "(i f o g) = x,  c = σ(f) cont c₀ + σ(i) tanh(g),  h = σ(o) tanh(c)",
  notes: [
    "Bottoms: the cell c₀ [1, N, D], the gates' sums x [1, N, 4D], cont [1, N] with 0 where a sequence begins. Tops: c and h.",
    "cont has no gradient. Where it is neither 0 nor 1, f has the true gradient, as in Caffe on a GPU; Caffe on the CPU is off there.",
  ],
  bottoms: { exact: 3 },
  tops: { exact: 2 },
  forceBackward: (bottom) => bottom !== 2,
  lower({ builder, bottoms: [cell, gates, cont], fail }) {
    if (cell.shape.length !== 3 || cell.shape[0] !== 1)
      fail(
        `the cell, the first bottom, must have the shape 1 × streams × values, and has ${showShape(cell.shape)}`,
        undefined,
        { bottoms: [0] },
      );
    const [, streams, size] = cell.shape;
    const expectShape = (
      index: number,
      { shape }: { readonly shape: Shape },
      wanted: Shape,
      what: string,
    ) => {
      if (shape.length !== wanted.length || shape.some((extent, axis) => extent !== wanted[axis]))
        fail(
          `${what} must have the shape ${showShape(wanted)} for a cell of ${showShape(cell.shape)}, and has ${showShape(shape)}`,
          undefined,
          { bottoms: [0, index] },
        );
    };
    expectShape(1, gates, [1, streams, 4 * size], "the gates' sums, the second bottom,");
    expectShape(2, cont, [1, streams], "cont, the third bottom,");
    const step = lstmStep(builder, cell, gates, builder.reshape(builder.stop(cont), [1, streams, 1]));
    return [step.cell, step.hidden];
  },
  domain: {
    shapes(draw, first) {
      if (first && (first.length !== 3 || first[0] !== 1)) return undefined;
      const [, streams, size] = first ?? [1, draw.integer(1, 4), draw.integer(1, 4)];
      return [
        [1, streams, size],
        [1, streams, 4 * size],
        [1, streams],
      ];
    },
    values: () => [
      { kind: "real", min: -2, max: 2 },
      { kind: "real", min: -2, max: 2 },
      { kind: "label", below: 2 },
    ],
    differentiable: [0, 1],
  },
});
