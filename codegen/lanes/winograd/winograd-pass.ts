import { type NodeOf, passOf } from "../../ir/graph.js";
import type { LanesDescription } from "../../ir/target-description.js";
import { type Pass, rewrite } from "../../passes/index.js";
import { scheduleOf } from "./winograd-schedule.js";
import { winogradSizes } from "./winograd-sizes.js";
import { POSITIONS } from "./winograd-transforms.js";

/*
 * What the transforms cost, in multiply-adds at each position: of a filter for a channel, in a cache, or to memory and back, or
 * kept from pass to pass; and of a tile for a channel that is read or made (20 ns); a multiply-add of the direct form took
 * 0.02 to 0.025 ns.
 */
const OF_A_FILTER = { inCache: 8, packed: 28, kept: 0 };
const OF_A_TILE = 13;

/** Bytes of the reals that the rule is made for. */
const FLOAT32 = 4;

/** Less is not worth what the transforms lose of the last digits. */
const LEAST_GAIN = 1.2;

/**
 * How many times fewer multiply-adds Winograd's form has than the sum of products, its transforms counted in; 0 where
 * there is no such form. Measured on one core of a Zen 3 against this: 3.0 for 128 channels of 28² at batch 4 (2.8 to 3.0
 * times as fast), 2.5 for 256 of 14² (2.1 to 2.4), 2.0 for 512 of 7² (1.9 to 2.3), 1.25 for 16 to 32 of 28² and 5 × 5 at
 * batch 10 (1.5 to 3.3); of gradients of filters 2.8 for 64 of 56² at batch 4 (2.9), 2.5 for 256 of 14² (2.2), 2.0 for 512
 * of 7² (2.0), 1.9 for 48 to 128 of 27² and 5 × 5 (2.0), 1.3 for 16 to 48 of 14² (1.5), 1.5 for 48 to 128 of 7² (1.0).
 */
export function winogradGain(
  node: NodeOf<"conv" | "convData" | "convFilter">,
  description: LanesDescription,
  keepsFilters = false,
): number {
  const sizes = winogradSizes(node);
  if (!sizes) return 0;
  const { images, channels, filters, kernel, output } = sizes;
  const tiles = images * sizes.tiles[0] * sizes.tiles[1];
  const products = channels * filters;
  const direct = kernel ** 2 * images * output[0] * output[1] * products;
  const kept = keepsFilters && node.inputs[1].op === "param";
  const packed = node.op !== "convFilter" && "packed" in scheduleOf(description, sizes, FLOAT32);
  const filter = kept ? "kept" : packed ? "packed" : "inCache";
  const inTiles = (tiles + OF_A_FILTER[filter]) * products + OF_A_TILE * tiles * (channels + filters);
  return direct / (POSITIONS * inTiles);
}

/** Marks the convolutions, and gradients of their inputs and filters, that Winograd's form makes faster. */
export const winogradPass: Pass = {
  name: "winograd",
  about: "3 × 3 and 5 × 5 convolutions in tiles, with fewer products",
  run(graph, builder, { lanes }) {
    if (!lanes) return graph;
    // A net that only infers transforms its filters when they have changed.
    const keepsFilters = graph.roots.every((root) => root.role !== "update" && passOf(root) !== "backward");
    return rewrite(graph, builder, (node) => {
      if (node.op !== "conv" && node.op !== "convData" && node.op !== "convFilter") return undefined;
      if (node.geometry.algorithm || winogradGain(node, lanes, keepsFilters) < LEAST_GAIN) return undefined;
      const geometry = { ...node.geometry, algorithm: "winograd" } as const;
      return builder[node.op](node.inputs[0], node.inputs[1], geometry);
    });
  },
};
