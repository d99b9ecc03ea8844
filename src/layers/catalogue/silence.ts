import { defineLayer } from "../record.js";

export const silence = defineLayer({
  type: "Silence",
  summary: "Takes blobs that nothing else reads, so that they are not outputs of the net.",
  bottoms: { min: 1 },
  tops: { exact: 0 },
  lower: () => [],
  domain: { differentiable: [] },
});
