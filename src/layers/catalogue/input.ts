import { defineLayer } from "../record.js";

export const input = defineLayer({
  type: "Input",
  parameter: "input_param",
  summary: "Blobs that the caller fills.",
  notes: ["shape is given once for all tops, or once for each."],
  bottoms: { exact: 0 },
  tops: { min: 1 },
  lower({ parameter: { shape }, topCount, input, fail }) {
    if (shape.length > 1 && shape.length !== topCount)
      fail(
        `shape is given ${shape.length} times for ${topCount} tops: give it once, or once for each`,
        "shape",
      );
    return Array.from({ length: topCount }, (_, top) => input(top, shape[shape.length === 1 ? 0 : top]?.dim));
  },
  domain: { differentiable: [] },
});
