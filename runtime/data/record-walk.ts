/** Records of a source, one after the other, their images decoded. */

import { userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { type ColorMode, decodeImage } from "./image.js";
import type { PlainRecord, RecordCursor, StoredRecord } from "./records.js";

/** A record's values; an image that is still a file is decoded. */
export async function decodeRecord(
  record: StoredRecord,
  mode: ColorMode,
  what: string,
): Promise<PlainRecord> {
  if (!("encoded" in record)) return record;
  return { ...(await decodeImage(record.encoded, mode, what)), label: record.label, wasEncoded: true };
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
