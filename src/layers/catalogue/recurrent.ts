import { defineLayer } from "../record.js";

export const recurrentBase = defineLayer({
  type: "Recurrent",
  parameter: "recurrent_param",
  summary: "What LSTM and RNN have in common: no layer by itself, and Caffe makes none of this type.",
  notes: ["A file cannot name it: it must say LSTM or RNN."],
  bottoms: {},
  tops: {},
  lower: ({ layer, fail }) =>
    fail(
      "Recurrent is only what LSTM and RNN have in common: it says nothing of what a step computes",
      "type",
      {
        in: layer,
        hint: 'write type: "LSTM" or type: "RNN", which take the same recurrent_param',
      },
    ),
  domain: { differentiable: [] },
});
