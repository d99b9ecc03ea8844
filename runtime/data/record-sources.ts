import { CortadoError, type Span } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { builtinRecords } from "./builtin-records.js";
import { datumRecords } from "./datum.js";
import { isIdx, openIdx } from "./idx.js";
import { isLevelDb, openLevelDb } from "./leveldb.js";
import { isLmdb, openLmdb } from "./lmdb.js";
import { locateSource } from "./locate.js";
import type { RecordCursor } from "./records.js";

/**
 * Opens records by what the source is: an LMDB or LevelDB folder, MNIST's idx images (plain or gzipped), or
 * `builtin:digits/train` and `/test`. Relative paths start at `root`.
 *
 * @throws CortadoError, at `span` where given, when it is missing or of no known kind
 */
export async function openRecords(source: string, root: string, span?: Span): Promise<RecordCursor> {
  const builtin = builtinRecords(source, span);
  if (builtin) return builtin;
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
