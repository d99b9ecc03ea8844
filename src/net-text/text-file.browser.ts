import { userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import type { TextKind } from "./foreign.js";

/** @throws CortadoError always: a page has no files */
export async function readTextFile(path: string, wanted: TextKind): Promise<string> {
  throw userError(
    `Cannot read the ${wanted} ${quotedPath(path)}: a page has no files`,
    `give its text, as await (await fetch("${path}")).text() gives it`,
  );
}

/** There are no folders. */
export const folderOf = (_path: string): string => "";

export const samePath = (a: string, b: string): boolean => a === b;
