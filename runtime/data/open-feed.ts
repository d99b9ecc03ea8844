import type { Shape } from "../../codegen/ir/graph.js";
import type { Feed, FeedOptions } from "./batches.js";
import type { FeedSpec } from "./feed-spec.js";
import { fillerFeed } from "./filler-feed.js";
import { hdf5Feed } from "./hdf5-feed.js";
import { imageFeed } from "./image-feed.js";
import { located } from "./located.js";
import { prefetching } from "./prefetch.js";
import { recordFeed } from "./record-feed.js";
import { windowFeed } from "./window-feed.js";

export type { Feed, FeedOptions } from "./batches.js";

/**
 * Opens what a data layer reads. What goes wrong, now or with a later batch, is reported at the layer's place. From
 * the first batch on, the next one is read while the caller works on the one before.
 *
 * @throws CortadoError when a source is missing, damaged, or does not fit the layer
 */
export async function openFeed(spec: FeedSpec, options: FeedOptions): Promise<Feed> {
  const feed = await located(spec.span, () => openKind(spec, options));
  return { ...feed, next: (into) => located(spec.span, () => feed.next(into)) };
}

async function openKind(spec: FeedSpec, options: FeedOptions): Promise<Feed> {
  switch (spec.kind) {
    case "records":
      return prefetching(await recordFeed(spec, options));
    case "images":
      return prefetching(await imageFeed(spec, options));
    case "windows":
      return prefetching(await windowFeed(spec, options));
    case "hdf5":
      return prefetching(await hdf5Feed(spec, options));
    case "filler":
      return fillerFeed(spec, options);
    default:
      return spec satisfies never;
  }
}

/** The shapes that a feed would have: opens it and closes it again. */
export async function probeFeed(spec: FeedSpec, options: FeedOptions): Promise<readonly Shape[]> {
  const feed = await openFeed(spec, options);
  await feed.close();
  return feed.shapes;
}
