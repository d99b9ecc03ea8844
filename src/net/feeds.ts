import { type Shape, sizeOf } from "../../codegen/ir/graph.js";
import { CortadoError, type Diagnostic } from "../../proto/errors/index.js";
import type { LayerParameter } from "../../proto/index.js";
import { type Feed, openFeed } from "../../runtime/data/open-feed.js";
import type { OwnInputs } from "../../runtime/net/input-batches.js";
import { type FeedShapes, feedsOf, type LayerType } from "../layers/index.js";
import type { NetDef } from "../net-text/net-def.js";

/** One data layer, open: where its tops' values come from. */
export interface OpenFeed {
  readonly layer: string;
  readonly tops: readonly string[];
  readonly feed: Feed;
}

/** The data layers of a net, open. */
export interface Feeds {
  readonly open: readonly OpenFeed[];
  /** Their tops. */
  readonly blobs: ReadonlySet<string>;
  /** Writes the next batch of each, but for what the caller gives. */
  fill: OwnInputs["fill"];
  readonly shapes: FeedShapes;
  close(): Promise<void>;
}

/** Opens every data layer of a net, so that its shapes are known; all that cannot be opened are reported at once. */
export async function openFeeds(
  definition: NetDef,
  options: {
    readonly root: string;
    readonly phase: "TRAIN" | "TEST";
    readonly seed: number;
    /** A data layer whose tops all have a shape here is not opened: the caller feeds it. */
    readonly shapes?: Readonly<Record<string, Shape>>;
    readonly layers?: readonly LayerType[];
  },
): Promise<Feeds> {
  const open: OpenFeed[] = [];
  const shapes = new Map<LayerParameter, readonly Shape[]>();
  const mistakes: Diagnostic[] = [];
  for (const { layer, spec } of feedsOf(definition, options.phase, options.layers)) {
    const given = layer.top.map((top) =>
      Object.hasOwn(options.shapes ?? {}, top) ? options.shapes?.[top] : undefined,
    );
    if (given.length > 0 && given.every((shape) => shape !== undefined)) {
      shapes.set(layer, given);
      continue;
    }
    try {
      const feed = await openFeed(spec, { ...options, index: open.length });
      open.push({ layer: layer.name, tops: layer.top, feed });
      shapes.set(layer, feed.shapes);
    } catch (error) {
      if (!(error instanceof CortadoError)) throw error;
      mistakes.push(...error.diagnostics);
    }
  }
  const close = async (): Promise<void> => {
    await Promise.all(open.map(({ feed }) => feed.close()));
  };
  if (mistakes.length > 0) {
    await close();
    throw new CortadoError(mistakes);
  }
  return { open, blobs: new Set(open.flatMap(({ tops }) => tops)), fill: fillFrom(open), shapes, close };
}

const fillFrom =
  (open: readonly OpenFeed[]): Feeds["fill"] =>
  async (given, write) => {
    for (const { tops, feed } of open) {
      // A data layer whose blobs the caller gives keeps its place in its source.
      if (tops.every((top) => Object.hasOwn(given, top))) continue;
      const batch = feed.shapes.map((shape) => new Float32Array(sizeOf(shape)));
      await feed.next(batch);
      for (const [i, top] of tops.entries()) if (!Object.hasOwn(given, top)) await write(top, batch[i]);
    }
  };
