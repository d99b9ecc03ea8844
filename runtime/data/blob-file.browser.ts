/** Files that hold one blob: a page has none. */

import type { Span } from "../../proto/errors/index.js";
import { noDataFile } from "./no-data-file.browser.js";

export interface BlobContents {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  readonly title: string;
}

/** @throws CortadoError always */
export const readBlobFile = async (
  source: string,
  _root: string,
  what: string,
  span?: Span,
): Promise<BlobContents> => noDataFile(what, source, span);
