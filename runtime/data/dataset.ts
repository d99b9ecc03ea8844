import { argumentsOf, optional, optionsOf, word } from "../../proto/arguments/argument-rules.js";
import { path } from "../../proto/arguments/file-rules.js";
import { workingFolder } from "../host-process.js";
import type { ColorMode } from "./image.js";
import { openRecords } from "./record-sources.js";
import { endless, firstRecord } from "./record-walk.js";
import type { PlainRecord } from "./records.js";

/** Records one after the other, from the first again after the last. */
export interface Dataset {
  /** How many records there are, where that is known without reading them all. */
  readonly count?: number;
  /** Of the first record: channels, height, width. */
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Values channel by channel, row by row; colours in the order blue, green, red. */
  next(): Promise<PlainRecord>;
  close(): Promise<void>;
}

/** Options of `openDataset`. */
export interface DatasetOptions {
  /** Where a relative path starts. Default: the working directory. */
  readonly root?: string | URL;
  /** Of encoded images: as they are ("native", the default), as three channels or as one. */
  readonly color?: ColorMode;
}

const OPEN_DATASET = argumentsOf("openDataset", {
  source: path,
  options: optional(
    optionsOf<{ readonly root?: string; readonly color?: ColorMode }>("openDataset", {
      root: path,
      color: word(["native", "color", "gray"]),
    }),
  ),
});

/**
 * Opens records for reading: an LMDB or LevelDB folder, MNIST's idx images (plain or gzipped), or `builtin:digits/train`
 * and `/test`.
 *
 * @throws CortadoError for a wrong argument, and when it cannot be read or is empty
 */
export async function openDataset(source: string | URL, options?: DatasetOptions): Promise<Dataset> {
  const given = OPEN_DATASET(source, options);
  const { root = workingFolder(), color = "native" } = given.options ?? {};
  const cursor = await openRecords(given.source, root);
  try {
    const { channels, height, width } = await firstRecord(cursor, color);
    return {
      count: cursor.count,
      shape: [channels, height, width],
      next: endless(cursor, color).next,
      close: () => cursor.close(),
    };
  } catch (error) {
    await cursor.close();
    throw error;
  }
}
