import type { Span } from "../../proto/errors/index.js";
import { builtinRecords } from "./builtin-records.js";
import { noDataFile } from "./no-data-file.browser.js";
import type { RecordCursor } from "./records.js";

/** Opens records that no file holds. @throws CortadoError for all others, at `span` where given */
export const openRecords = async (source: string, _root: string, span?: Span): Promise<RecordCursor> =>
  builtinRecords(source, span) ?? noDataFile(`the data source`, source, span);
