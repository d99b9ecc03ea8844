/** Weights in files: a page has none. */

import { userError } from "../../proto/errors/index.js";

const refuse = (what: string): never => {
  throw userError(
    `cannot read the weights ${what}: a page has no files`,
    "give their bytes, as await (await fetch(url)).arrayBuffer() gives them",
  );
};

export const readWeightFileOf = async (_path: string, what: string, _decode: unknown): Promise<never> =>
  refuse(what);

export const holdWeightFile = async (
  _path: string,
  what: string,
  _decode: unknown,
  _use: unknown,
): Promise<never> => refuse(what);

/** @throws CortadoError always */
export async function writeWholeFile(
  _path: string,
  what: string,
  _pieces: readonly Uint8Array[],
): Promise<void> {
  throw userError(`cannot write the weights ${what}: a page has no files`, "encodeWeights gives their bytes");
}
