import { existsSync, readdirSync } from "node:fs";
import type { Shape } from "../../codegen/ir/graph.js";
import { CortadoError } from "../../proto/errors/index.js";
import type { Feed, FeedOf } from "../../runtime/data/batches.js";
import type { RecordCursor, StoredRecord } from "../../runtime/data/records.js";

/** The Data layer's spec with the defaults of a prototxt. */
export function recordsSpec(
  source: string,
  changes: Partial<Omit<FeedOf<"records">, "transform">> & {
    readonly transform?: Partial<FeedOf<"records">["transform"]>;
  } = {},
): FeedOf<"records"> {
  const { transform, ...rest } = changes;
  return {
    kind: "records",
    source,
    backend: "LMDB",
    batchSize: 1,
    randSkip: 0,
    shuffle: false,
    tops: 2,
    ...rest,
    transform: {
      scale: 1,
      mirror: false,
      cropSize: 0,
      meanValues: [],
      forceColor: false,
      forceGray: false,
      ...transform,
    },
  };
}

/** The next batch of a feed, in fresh arrays. */
export async function batchOf(feed: Feed): Promise<readonly Float32Array[]> {
  const into = feed.shapes.map((shape: Shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)));
  await feed.next(into);
  return into;
}

/** All records of a cursor that are left. */
export async function drain(cursor: RecordCursor): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let record = await cursor.next(); record; record = await cursor.next()) records.push(record);
  return records;
}

/** The user's mistake that `work` ends in; undefined when it ends well. Anything else that is thrown is thrown on. */
export async function mistakeOf(work: () => unknown): Promise<CortadoError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof CortadoError) return error;
    throw error;
  }
}

/** How many files this process has open; 0 where the system does not say. */
export function openHandles(): number {
  return existsSync("/dev/fd") ? readdirSync("/dev/fd").length : 0;
}
