import { userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import type { SavedState } from "./state-message.js";

/** @throws CortadoError always: a page has no files */
export async function readState(file: string): Promise<SavedState> {
  throw userError(
    `the solver state ${quotedPath(file)} cannot be read: a page has no files`,
    "give the bytes of both files of the snapshot: { state, model }",
  );
}
