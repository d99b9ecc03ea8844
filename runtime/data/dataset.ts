import { argumentsOf, optional, optionsOf, word } from "../../proto/arguments/argument-rules.js";
import { path } from "../../proto/arguments/file-rules.js";
import { CortadoError, type Span, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { datumRecords } from "./datum.js";
import { DIGIT_SPLITS, type DigitSplit, openDigits } from "./digits/digits.js";
import { isIdx, openIdx } from "./idx.js";
import { type ColorMode, decodeImage } from "./image.js";
import { isLevelDb, openLevelDb } from "./leveldb.js";
import { isLmdb, openLmdb } from "./lmdb.js";
import { locateSource } from "./locate.js";
import type { PlainRecord, RecordCursor, StoredRecord } from "./records.js";

const BUILTIN = "builtin:";

/**
 * Opens records by what the source is: an LMDB or LevelDB folder, MNIST's idx images (plain or gzipped), or
 * `builtin:digits/train` and `/test`. Relative paths start at `root`.
 *
 * @throws CortadoError, at `span` where given, when it is missing or of no known kind
 */
export async function openRecords(source: string, root: string, span?: Span): Promise<RecordCursor> {
  if (source.startsWith(BUILTIN)) return openBuiltin(source, span);
  const path = await locateSource(source, [root], "the data source", span);
  if (await isLmdb(path)) return datumRecords(path, await openLmdb(path));
  if (await isLevelDb(path)) return datumRecords(path, await openLevelDb(path));
  if (await isIdx(path)) return openIdx(path);
  throw new CortadoError([
    {
      severity: "error",
      message: `the data source ${quotedPath(path)} is neither an LMDB nor a LevelDB nor an idx file`,
      span,
      hint: "an LMDB is a folder with data.mdb, a LevelDB one with CURRENT, MNIST's images end in images-idx3-ubyte",
    },
  ]);
}

function openBuiltin(source: string, span?: Span): RecordCursor {
  const split = /^builtin:digits\/(\w+)$/.exec(source)?.[1];
  if (split && Object.hasOwn(DIGIT_SPLITS, split)) return openDigits(split as DigitSplit);
  throw new CortadoError([
    {
      severity: "error",
      message: `there is no built-in data ${quotedPath(source)}`,
      span,
      hint: `there are ${Object.keys(DIGIT_SPLITS)
        .map((name) => quotedPath(`builtin:digits/${name}`))
        .join(" and ")}`,
    },
  ]);
}

/** A record's values; an image that is still a file is decoded. */
export async function decodeRecord(
  record: StoredRecord,
  mode: ColorMode,
  what: string,
): Promise<PlainRecord> {
  if (!("encoded" in record)) return record;
  return { ...(await decodeImage(record.encoded, mode, what)), label: record.label, wasEncoded: true };
}

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
  const { root = process.cwd(), color = "native" } = given.options ?? {};
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

/** The first record; the cursor stands before it again. @throws CortadoError when there is no record at all */
export async function firstRecord(cursor: RecordCursor, mode: ColorMode): Promise<PlainRecord> {
  const record = await endless(cursor, mode).next();
  await cursor.rewind();
  return record;
}

/** Records one after the other, for ever. */
export interface Walk {
  /** @throws CortadoError when there is no record at all, and where one cannot be decoded */
  next(): Promise<PlainRecord>;
  /** The record that `next` gave last, for messages: `record 7 of "train_lmdb"`. */
  last(): string;
}

/**
 * A walk that starts again after the last record.
 *
 * @param read how many records the cursor has passed since its first
 */
export function endless(cursor: RecordCursor, mode: ColorMode, read = 0): Walk {
  const name = quotedPath(cursor.name);
  let number = read - 1;
  const last = (): string => `record ${cursor.placeOf?.(number) ?? number} of ${name}`;
  return {
    last,
    async next() {
      let record = await cursor.next();
      if (!record) {
        await cursor.rewind();
        number = -1;
        record = await cursor.next();
        if (!record) throw userError(`${name} has no records`);
      }
      number++;
      return decodeRecord(record, mode, last());
    },
  };
}
