import type { Node, Root } from "../../codegen/ir/graph.js";
import { add, arg } from "../../codegen/ir/scalar.js";
import type { LoweredNet } from "../layers/lower-net.js";

/**
 * One value that passes between layers, readable when its pass has ended: what a layer made, or the part of a
 * bottom's diff that a layer gave. A blob that layers work on in place is several of them.
 */
export interface WatchPoint {
  /** Of `lowered.layers`. */
  readonly layer: number;
  /** Which top or bottom of it. */
  readonly index: number;
  readonly blob: string;
  readonly role: "value" | "diff";
  /** By which the program's value is read. */
  readonly key: string;
}

const ADD = add(arg(0), arg(1));

/** A name of the program that no blob of the net has. */
function keyOf({ blobs }: LoweredNet, layer: number, index: number): string {
  let key = `watch:${layer}:${index}`;
  while (blobs.has(key)) key = `${key}'`;
  return key;
}

/** What each layer makes, in the order of forward. */
export const watchedTops = (lowered: LoweredNet): readonly WatchPoint[] =>
  lowered.layers.flatMap(({ tops, topNodes }, layer) =>
    topNodes.map((_, index): WatchPoint => {
      const key = keyOf(lowered, layer, index);
      return { layer, index, blob: tops[index] ?? "(automatic)", role: "value", key };
    }),
  );

/** What each layer may pass down, in the order of backward. The program has those that it computes. */
export const watchedBottoms = (lowered: LoweredNet): readonly WatchPoint[] =>
  lowered.layers
    .flatMap(({ bottoms }, layer) =>
      bottoms.map((blob, index): WatchPoint => {
        return { layer, index, blob, role: "diff", key: keyOf(lowered, layer, index) };
      }),
    )
    .reverse();

/** The roots that make every layer's tops readable after forward. */
export const topRoots = (lowered: LoweredNet): readonly Root[] =>
  watchedTops(lowered).map(({ layer, index, key }): Root => {
    return { role: "value", blob: key, node: lowered.layers[layer].topNodes[index] };
  });

/** Collects the parts of the diffs while a net is differentiated. */
export interface DiffParts {
  readonly onPart: (from: Node, to: Node, part: Node) => void;
  /** The roots that make them readable after backward. */
  roots(): readonly Root[];
}

/** A layer's part of a bottom's diff: the sum of what its own nodes give it. */
export function collectDiffParts(lowered: LoweredNet): DiffParts {
  const parts = new Map<Node, Map<string, Node[]>>();
  for (const { bottomNodes } of lowered.layers) for (const node of bottomNodes) parts.set(node, new Map());
  return {
    onPart(from, to, part) {
      const byLayer = parts.get(to);
      if (!byLayer) return;
      const known = byLayer.get(from.origin);
      if (known) known.push(part);
      else byLayer.set(from.origin, [part]);
    },
    roots() {
      const { builder } = lowered;
      return watchedBottoms(lowered).flatMap(({ layer, index, key }): readonly Root[] => {
        const { origin, bottomNodes } = lowered.layers[layer];
        const own = parts.get(bottomNodes[index])?.get(origin) ?? [];
        if (own.length === 0) return [];
        const node = own.reduce((sum, part) => builder.map(ADD, [sum, part], part.shape));
        return [{ role: "diff", blob: key, node }];
      });
    },
  };
}
