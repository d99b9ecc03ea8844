import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CortadoError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { troubleOf } from "../../proto/words/trouble.js";
import { type LayerType, schemaWith, withLayerMistakes } from "../layers/index.js";
import { type NetDef, readNet, refuseForeign, type SelectedState, type TextKind } from "../net-text/index.js";
import { furtherMistakes } from "./lower-definition.js";

/** A text cannot be mistaken for a path: a net has fields, and a field has a colon or a brace. */
export const looksLikeText = (given: string): boolean => /[{}:\n]/.test(given.replace(/^[A-Za-z]:[\\/]/, ""));

/** Reads a text file a user named; what cannot be read, or is no text, is the user's mistake, said plainly. */
export async function readTextFile(path: string, wanted: TextKind): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw userError(`Cannot read the ${wanted} ${quotedPath(path)}: ${troubleOf(error)}`);
  }
  refuseForeign(bytes, path, wanted);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/**
 * A net by text, path or value, and the folder that its relative paths start from.
 *
 * @throws CortadoError with every mistake: of the text, and of the layers that the text leaves whole
 */
export async function readDefinition(
  net: string | NetDef,
  root: string | undefined,
  state: SelectedState,
  layers?: readonly LayerType[],
): Promise<{ readonly definition: NetDef; readonly root: string }> {
  if (typeof net !== "string") return { definition: net, root: root ?? process.cwd() };
  const isText = looksLikeText(net);
  const text = isText ? net : await readTextFile(net, "net");
  const { definition, errors } = readNet(text, {
    ...(isText ? {} : { name: net }),
    schema: schemaWith(layers),
  });
  if (errors.length > 0)
    throw new CortadoError(withLayerMistakes(errors, furtherMistakes(definition, state, layers), definition));
  return { definition, root: root ?? (isText ? process.cwd() : dirname(resolve(net))) };
}
