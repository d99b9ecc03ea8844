import { sizeOf } from "../../codegen/ir/graph.js";
import type { Feed } from "./batches.js";

/** A batch that was read ahead, or the mistake that it met. */
type ReadAhead = { readonly batch: readonly Float32Array[] } | { readonly error: unknown };

/**
 * Reads the next batch while the net works on the one before. What comes out, values and mistakes alike, is what the
 * feed itself would give, call for call: batches are read one after the other, and after a mistake nothing is read
 * until it is asked for. Closing waits for a batch that is being read.
 */
export function prefetching(feed: Feed): Feed {
  const { shapes } = feed;
  let buffers: readonly Float32Array[] | undefined;
  let ahead: Promise<ReadAhead> | undefined;
  const read = async (): Promise<ReadAhead> => {
    buffers ??= shapes.map((shape) => new Float32Array(sizeOf(shape)));
    try {
      await feed.next(buffers);
      return { batch: buffers };
    } catch (error) {
      return { error };
    }
  };
  return {
    shapes,
    async next(into) {
      if (!ahead) await feed.next(into);
      else {
        const found = await ahead;
        ahead = undefined;
        if ("error" in found) throw found.error;
        for (const [top, values] of found.batch.entries()) into[top].set(values);
      }
      ahead = read();
    },
    async close() {
      await ahead;
      await feed.close();
    },
  };
}
