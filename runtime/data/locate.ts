import { readdir, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, resolve } from "node:path";
import { CortadoError, type Span } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { quotedPath } from "../../proto/words/names.js";
import { isRefusal } from "../../proto/words/trouble.js";

/** Names of one folder that are compared with a name not found. */
const MOST_SIBLINGS = 1000;

/**
 * The path of something a net names: as it is when absolute, else under the first of `roots` that has it, else under
 * the working directory.
 *
 * @param what what it is to the user: `the data source`
 * @throws CortadoError with the places looked at and near names there
 */
export async function locateSource(
  source: string,
  roots: readonly string[],
  what: string,
  span?: Span,
): Promise<string> {
  const places = isAbsolute(source)
    ? [source]
    : [...new Set([...roots, process.cwd()].map((root) => resolve(root, source)))];
  for (const place of places) if (await exists(place)) return place;
  const near = didYouMean(basename(source), (await Promise.all(places.map(siblings))).flat());
  throw new CortadoError([
    {
      severity: "error",
      message: `${what} ${quotedPath(source)} is not there; looked for ${places.map(quotedPath).join(" and ")}`,
      span,
      hint: near,
    },
  ]);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // What may not be looked at is there, and opening it says why it cannot be read.
    return isRefusal(error);
  }
}

async function siblings(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(dirname(path))).slice(0, MOST_SIBLINGS);
  } catch {
    return [];
  }
}
