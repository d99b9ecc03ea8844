import { type Shape, sizeOf } from "../../codegen/ir/graph.js";
import { userError } from "../../proto/errors/index.js";
import { quoted } from "../../proto/words/names.js";
import type { Feeds } from "../net/feeds.js";

/** Rows of data layers, as many at a time as one likes. */
export interface CalibrationData {
  /** The shape of one row of each blob. */
  readonly rows: ReadonlyMap<string, Shape>;
  /** Rows of a batch of the data layers. */
  readonly batch: number;
  /** The next rows of each blob. When the data ends it begins anew. */
  next(count: number): Promise<ReadonlyMap<string, Float32Array>>;
}

/**
 * Reads what open data layers give.
 *
 * @throws CortadoError where there is none, or where their blobs do not have as many rows
 */
export function calibrationData(feeds: Feeds): CalibrationData {
  const shapes = feeds.open.flatMap(({ tops, feed }) => tops.map((top, i) => [top, feed.shapes[i]] as const));
  const batch = shapes[0]?.[1][0];
  if (batch === undefined)
    throw userError(
      "int8 measures the range of values on data, and there is no data layer that gives any",
      "calibrate names a net whose data layer does, such as the one that the weights were trained with; on the command line --calibrate",
    );
  const other = shapes.find(([, shape]) => shape[0] !== batch);
  if (other)
    throw userError(
      `the data for int8 has ${batch} rows in blob ${quoted(shapes[0][0])}, and ${other[1][0] ?? "none"} in ${quoted(other[0])}`,
    );
  const rows = new Map(shapes.map(([blob, shape]) => [blob, shape.slice(1)]));
  /** What was read and not yet given, a batch each. */
  let waiting = new Map<string, Float32Array>();
  let [at, end] = [0, 0];
  return {
    rows,
    batch,
    async next(count) {
      const taken = new Map([...rows].map(([blob, row]) => [blob, new Float32Array(count * sizeOf(row))]));
      for (let done = 0; done < count; ) {
        if (at === end) {
          const read = new Map<string, Float32Array>();
          await feeds.fill({}, async (blob, values) => void read.set(blob, Float32Array.from(values)));
          [waiting, at, end] = [read, 0, batch];
        }
        const some = Math.min(count - done, end - at);
        for (const [blob, values] of taken) {
          const size = values.length / count;
          const from = waiting.get(blob)?.subarray(at * size, (at + some) * size);
          if (from) values.set(from, done * size);
        }
        [at, done] = [at + some, done + some];
      }
      return taken;
    },
  };
}
