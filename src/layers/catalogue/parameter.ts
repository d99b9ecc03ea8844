import { defineLayer } from "../record.js";

export const parameter = defineLayer({
  type: "Parameter",
  parameter: "parameter_param",
  summary: "A parameter blob as a top: a value that the net learns and that depends on nothing.",
  equation: "y = w",
  notes: ["Parameter 0 is w, of the given shape; without one it is a scalar. It starts at 0."],
  bottoms: { exact: 0 },
  tops: { exact: 1 },
  lower({ parameter: settings, param, fail }) {
    const { shape } = settings;
    const dim = shape?.dim ?? [];
    const bad = dim.findIndex((extent) => extent < 1);
    if (bad !== -1) fail(`an extent must be positive, not ${dim[bad]}`, "dim", { in: shape, index: bad });
    return [param(0, dim)];
  },
  domain: {
    shapes: (_draw, first) => (first ? undefined : []),
    settings: (draw) => ({
      parameter_param: {
        shape: { dim: Array.from({ length: draw.integer(1, 3) }, () => draw.integer(1, 4)) },
      },
    }),
  },
});
