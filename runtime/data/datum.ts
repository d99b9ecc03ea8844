import { userError } from "../../proto/errors/index.js";
import { decodeMessage, encodeMessage } from "../../proto/index.js";
import { quoted, quotedPath } from "../../proto/words/names.js";
import type { KeyValueCursor, RecordCursor, StoredRecord } from "./records.js";

/**
 * The records of a database whose values are Datum messages, as convert_imageset and its kin write them.
 *
 * @param name the database's path, for messages
 */
export function datumRecords(name: string, cursor: KeyValueCursor): RecordCursor {
  return {
    name,
    count: cursor.count,
    async next() {
      const pair = await cursor.next();
      return (
        pair &&
        decodeDatum(
          pair.value,
          () => `record ${quoted(new TextDecoder().decode(pair.key))} of ${quotedPath(name)}`,
        )
      );
    },
    skip: () => cursor.skip(),
    rewind: () => cursor.rewind(),
    close: () => cursor.close(),
  };
}

/**
 * One Datum. @param what how to name it in an error
 * @throws CortadoError when the bytes are no Datum, or its values do not fill its shape
 */
export function decodeDatum(bytes: Uint8Array, what: () => string): StoredRecord {
  const { channels, height, width, data, float_data, encoded, label } = decodeMessage("Datum", bytes, what());
  if (encoded) return { encoded: data, label };
  const values = data.length > 0 ? data : float_data;
  const count = channels * height * width;
  if (channels < 1 || height < 1 || width < 1 || values.length !== count) {
    throw userError(
      `${what()} has ${values.length} values for ${channels} × ${height} × ${width} (channels × height × width)`,
      values.length > 0 && count === 0 ? "is it an encoded image whose `encoded` is not set?" : undefined,
    );
  }
  return { channels, height, width, label, data: values };
}

/** One record as a Datum, its fields as Caffe's own tools set them. */
export function encodeDatum(record: StoredRecord): Uint8Array {
  const { label } = record;
  if ("encoded" in record) return encodeMessage("Datum", { data: record.encoded, label, encoded: true });
  const { channels, height, width, data } = record;
  const values = data instanceof Float32Array ? { float_data: data } : { data };
  return encodeMessage("Datum", { channels, height, width, label, ...values });
}
