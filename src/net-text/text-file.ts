import { readFile } from "node:fs/promises";
import { dirname, normalize, resolve } from "node:path";
import { fileError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { textOfBytes } from "../../proto/words/text-bytes.js";
import { refuseForeign, type TextKind } from "./foreign.js";

/** Reads a text file a user named; what cannot be read, or is no text, is the user's mistake, said plainly. */
export async function readTextFile(path: string, wanted: TextKind): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw fileError(`Cannot read the ${wanted} ${quotedPath(path)}`, error);
  }
  refuseForeign(bytes, path, wanted);
  return textOfBytes(bytes);
}

/** The folder that the relative paths in a file start from. */
export const folderOf = (path: string): string => dirname(resolve(path));

/** Whether two relative paths of one net are the same file. */
export const samePath = (a: string, b: string): boolean => normalize(a) === normalize(b);
