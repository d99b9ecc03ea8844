import type { Shape } from "../../codegen/ir/graph.js";
import { fill, streamOf } from "../random/index.js";
import type { Feed, FeedOf, FeedOptions } from "./batches.js";

/** Caffe's DummyData layer: constants stay, all else is drawn anew for each batch. */
export async function fillerFeed(spec: FeedOf<"filler">, { seed, index = 0 }: FeedOptions): Promise<Feed> {
  let batch = 0;
  const shapes: readonly Shape[] = spec.tops.map(({ shape }) => shape);
  return {
    shapes,
    async next(into) {
      for (const [top, { shape, filler }] of spec.tops.entries())
        into[top].set(fill(filler, shape, seed + index, streamOf("dummy", batch * spec.tops.length + top)));
      batch++;
    },
    async close() {},
  };
}
