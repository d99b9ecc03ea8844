import type { Shape } from "../../codegen/ir/graph.js";
import type { Feed, FeedOptions } from "./batches.js";
import type { FeedSpec } from "./feed-spec.js";
import { fillerFeed } from "./filler-feed.js";
import { located } from "./located.js";
import { noDataFile } from "./no-data-file.browser.js";
import { recordFeed } from "./record-feed.js";

export type { Feed, FeedOptions } from "./batches.js";

/**
 * Opens what a data layer reads, where that is no file.
 *
 * @throws CortadoError, at the layer's place, where it is one
 */
export async function openFeed(spec: FeedSpec, options: FeedOptions): Promise<Feed> {
  const feed = await located(spec.span, async () =>
    spec.kind === "filler"
      ? fillerFeed(spec, options)
      : spec.kind === "records"
        ? recordFeed(spec, options)
        : noDataFile("the source", spec.source, spec.span),
  );
  return { ...feed, next: (into) => located(spec.span, () => feed.next(into)) };
}

/** The shapes that a feed would have: opens it and closes it again. */
export async function probeFeed(spec: FeedSpec, options: FeedOptions): Promise<readonly Shape[]> {
  const feed = await openFeed(spec, options);
  await feed.close();
  return feed.shapes;
}
