import { defineLayer } from "../record.js";

export const split = defineLayer({
  type: "Split",
  summary:
    "Gives its bottom under several names. Nets need not say it: a blob may have any number of readers.",
  equation: "y₁ = y₂ = … = x",
  bottoms: { exact: 1 },
  tops: { min: 1 },
  lower: ({ bottoms: [x], topCount }) => new Array(topCount).fill(x),
  domain: { tops: (draw) => draw.integer(1, 3) },
});
