import type { Node } from "../../../codegen/ir/graph.js";
import { add, arg, unary } from "../../../codegen/ir/scalar.js";
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

export const rnn = defineLayer({
  type: "RNN",
  parameter: "recurrent_param",
  summary: "A plain recurrent layer: sequences side by side, one hidden state for each.",
  equation: "hₜ = tanh(W xₜ + b + V s + U (contₜ hₜ₋₁)),  yₜ = tanh(Z hₜ + d)",
  notes: [
    ...RECURRENT_NOTES,
    "Parameter blobs: W, b, V (only with a static input s), U, Z, d. The hidden state is h, 1 × N × num_output.",
  ],
  bottoms: { min: 2, max: 4 },
  tops: { min: 1, max: 2 },
  forceBackward: (bottom) => bottom !== 1,
  lower(context) {
    const { builder, parameter, param } = context;
    const layer = recurrent(context, 1);
    const { steps, size } = layer;
    const { sums, next } = fromOutside(context, layer, size);
    const square = (index: number): Node => param(index, [size, size], parameter.weight_filler);
    const u = square(next);
    const tanhOfSum = unary("tanh", add(arg(0), arg(1)));
    let [hidden] = layer.initial;
    const states: Node[] = [];
    for (let t = 0; t < steps; t++) {
      const fromBefore = project(builder, continued(builder, hidden, layer.cont(t)), u);
      hidden = builder.map(tanhOfSum, [fromBefore, atStep(builder, sums, t)]);
      states.push(hidden);
    }
    // The outputs need nothing of each other: one product over all steps.
    const outputs = project(builder, builder.concat(states, 0), square(next + 1));
    const bias = param(next + 2, [size], parameter.bias_filler);
    return layer.tops(builder.map(tanhOfSum, [outputs, bias], outputs.shape), [hidden]);
  },
  domain: recurrentDomain,
});
