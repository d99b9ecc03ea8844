/** Layer types beside Cortado's own, as a command line names them. */

import { pathToFileURL } from "node:url";
import { fileError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { codeOf, messageOf } from "../../proto/words/trouble.js";
import { extras, type LayerType } from "../index.js";
import { isLayerType } from "../tools.js";
import type { Io } from "./io.js";
import { pathOf } from "./text.js";

/** The word that stands for the layer types of common forks. */
const EXTRAS = "extras";

/**
 * The layer types that `--layers` names: `extras`, or modules that export what `defineLayer` made, by itself or in lists.
 *
 * @throws CortadoError where a module cannot be loaded or exports no layer type
 */
export async function loadLayers(
  named: readonly string[] | undefined,
  io: Io,
): Promise<readonly LayerType[] | undefined> {
  if (named === undefined) return undefined;
  const loaded: LayerType[] = [];
  for (const name of named)
    loaded.push(...(name === EXTRAS ? extras : await layersOf(pathOf(io, name), name)));
  return loaded;
}

async function layersOf(path: string, name: string): Promise<readonly LayerType[]> {
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const missing = codeOf(error) === "ERR_MODULE_NOT_FOUND";
    const itself = missing && messageOf(error).includes(path);
    const message = `Cannot load the layers in ${quotedPath(name)}`;
    throw itself
      ? userError(
          `${message}: there is no such file`,
          "a path starts from the working directory; the word extras means Cortado's own extras",
        )
      : fileError(message, error);
  }
  const types = [...new Set(Object.values(exported).flat())].filter(isLayerType);
  if (types.length === 0)
    throw userError(
      `${quotedPath(name)} exports no layer type`,
      "export what defineLayer or elementwise made, each by a name or all in a list",
    );
  return types;
}
