import { readdir, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, resolve } from "node:path";
import { CortadoError, type Span } from "../../src/errors/index.js";
import { didYouMean } from "../../src/errors/suggest.js";

/**
 * The path of something a net names: as it is when absolute, else under `root`, else under the working directory.
 *
 * @param what what it is to the user: `the data source`
 * @throws CortadoError with the places looked at and near names there
 */
export async function locateSource(source: string, root: string, what: string, span?: Span): Promise<string> {
  const places = isAbsolute(source) ? [source] : [...new Set([resolve(root, source), resolve(source)])];
  for (const place of places) if (await exists(place)) return place;
  const near = didYouMean(basename(source), await siblings(places[0]));
  throw new CortadoError([
    {
      severity: "error",
      message: `${what} ${JSON.stringify(source)} is not there; looked for ${places.map((place) => JSON.stringify(place)).join(" and ")}`,
      span,
      hint: near,
    },
  ]);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

async function siblings(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(dirname(path))).slice(0, 1000);
  } catch {
    return [];
  }
}
