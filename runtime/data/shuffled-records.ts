import { userError } from "../../proto/errors/index.js";
import { showBytes } from "../../proto/words/amounts.js";
import { quotedPath } from "../../proto/words/names.js";
import { permutation, type RandomStream } from "../random/index.js";
import type { RecordCursor, StoredRecord } from "./records.js";

/** Bytes of records that are held. */
const MOST_BYTES = 2 ** 32;

/**
 * The records of a source in another order each round, drawn from `random`. They are read at the first call, all of
 * them, and held as they are stored: an encoded image stays one.
 *
 * @throws CortadoError, then, for more than `most` bytes of them
 */
export function shuffledRecords(source: RecordCursor, random: RandomStream, most = MOST_BYTES): RecordCursor {
  let held: readonly StoredRecord[] | undefined;
  let order: Uint32Array = new Uint32Array();
  let at = 0;
  const begin = (count: number): void => {
    order = permutation(random, count);
    at = 0;
  };
  const load = async (): Promise<readonly StoredRecord[]> => {
    if (held) return held;
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (let record = await source.next(); record; record = await source.next()) {
      bytes += "encoded" in record ? record.encoded.length : record.data.byteLength;
      if (bytes > most)
        throw userError(
          `${quotedPath(source.name)} is too large to be shuffled: records are held in memory for that, at most ${showBytes(most)} of them`,
          "shuffle it when it is made (convert_imageset --shuffle), and leave shuffle out here",
        );
      records.push(record);
    }
    held = records;
    begin(records.length);
    return records;
  };
  return {
    name: source.name,
    count: source.count,
    placeOf: (index) => order[index],
    next: async () => (await load())[order[at++]],
    async skip() {
      const { length } = await load();
      return at++ < length;
    },
    async rewind() {
      if (held) begin(held.length);
    },
    close: () => source.close(),
  };
}
