import { add, arg } from "../../../codegen/ir/scalar.js";
import { drawShape } from "../domain.js";
import { refuseGradient } from "../labels.js";
import { defineLayer, parameterOf } from "../record.js";
import { countBetween } from "../shapes.js";

export const embed = defineLayer({
  type: "Embed",
  parameter: "embed_param",
  summary:
    "Looks up a row of weights for each position that the bottom names: an InnerProduct of one-hot inputs.",
  equation: "y[…, j] = w[x[…], j] + b[j]",
  notes: [
    "Parameter 0 is w, input_dim × num_output; parameter 1 is b. There is no gradient into the bottom.",
    "A position's fraction is dropped.",
  ],
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  forceBackward: () => false,
  lower(context) {
    const { builder, parameter, param, check, fail } = context;
    const [x] = context.bottoms;
    const { num_output: outputs, input_dim: rows } = parameter;
    refuseGradient(context, 0, "positions");
    if (outputs < 1) fail("num_output must be given, and positive", "num_output");
    if (rows < 1) fail("input_dim must be given, and positive", "input_dim");
    check({
      node: x,
      min: 0,
      max: rows - 1,
      message: `positions must be from 0 to ${rows - 1}, for input_dim ${rows}`,
    });
    const position = builder.reshape(builder.stop(x), [countBetween(x.shape, 0)]);
    const w = param(0, [rows, outputs], parameter.weight_filler);
    const picked = builder.gather(w, builder.map(arg(0), [position], position.shape, "index"));
    const y = parameter.bias_term
      ? builder.map(add(arg(0), arg(1)), [picked, param(1, [outputs], parameter.bias_filler)])
      : picked;
    return [builder.reshape(y, [...x.shape, outputs])];
  },
  domain: {
    shapes: (draw, first) => (first ? undefined : [drawShape(draw, undefined, 1, 3) ?? [2]]),
    settings: (draw) => ({
      embed_param: {
        num_output: draw.integer(1, 4),
        input_dim: draw.integer(1, 5),
        bias_term: draw.boolean(),
      },
    }),
    values: (layer) => [{ kind: "label", below: parameterOf(layer, "embed_param").input_dim }],
  },
});
