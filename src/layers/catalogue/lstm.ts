import type { Node } from "../../../codegen/ir/graph.js";
import { add, arg } from "../../../codegen/ir/scalar.js";
import { lstmStep } from "../lstm-step.js";
import { defineLayer } from "../record.js";
import {
  atStep,
  continued,
  fromOutside,
  project,
  RECURRENT_NOTES,
  recurrent,
  recurrentDomain,
} from "../recurrent-layer.js";

export const lstm = defineLayer({
  type: "LSTM",
  parameter: "recurrent_param",
  summary: "Long short-term memory: sequences side by side, one hidden state and one cell for each.",
  equation:
    "(i f o g) = W xₜ + b + V s + U (contₜ hₜ₋₁),  cₜ = σ(f) contₜ cₜ₋₁ + σ(i) tanh(g),  yₜ = hₜ = σ(o) tanh(cₜ)",
  notes: [
    ...RECURRENT_NOTES,
    "Parameter blobs: W, b, V (only with a static input s), U. The hidden states are h and c, each 1 × N × num_output.",
  ],
  bottoms: { min: 2, max: 5 },
  tops: { min: 1, max: 3 },
  forceBackward: (bottom) => bottom !== 1,
  lower(context) {
    const { builder, parameter, param } = context;
    const layer = recurrent(context, 2);
    const { steps, size } = layer;
    const { sums, next } = fromOutside(context, layer, 4 * size);
    const u = param(next, [4 * size, size], parameter.weight_filler);
    let [hidden, cell] = layer.initial;
    const y: Node[] = [];
    for (let t = 0; t < steps; t++) {
      const cont = layer.cont(t);
      const fromBefore = project(builder, continued(builder, hidden, cont), u);
      const gates = builder.map(add(arg(0), arg(1)), [fromBefore, atStep(builder, sums, t)]);
      ({ cell, hidden } = lstmStep(builder, cell, gates, cont));
      y.push(hidden);
    }
    return layer.tops(builder.concat(y, 0), [hidden, cell]);
  },
  domain: recurrentDomain,
});
