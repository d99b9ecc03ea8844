import { CortadoError, type Span } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";

/** @throws CortadoError always: a page has no files */
export function noDataFile(what: string, source: string, span?: Span): never {
  throw new CortadoError([
    {
      severity: "error",
      message: `${what} ${quotedPath(source)} cannot be read: a page has no files`,
      span,
      hint: "shapes for all tops of the layer make them blobs that the caller gives",
    },
  ]);
}
