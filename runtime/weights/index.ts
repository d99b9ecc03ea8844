/** Weight files: `.caffemodel`, `.caffemodel.h5` and `.safetensors`. */

import { open, readFile } from "node:fs/promises";
import { userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { troubleOf } from "../../proto/words/trouble.js";
import { writeFileAtomically } from "../atomic-file.js";
import { kindOfFile } from "../file-kind.js";
import { GO_ON } from "./hdf5-weights.js";
import {
  formatRecord,
  HEAD_BYTES,
  markedFormat,
  WEIGHT_FORMATS,
  type WeightFormat,
  weightFormatOf,
} from "./weight-formats.js";
import { checkWeightSet, type WeightSet } from "./weight-set.js";

export * from "./match.js";
export { type WeightFormat, weightFormatOf } from "./weight-formats.js";
export type { WeightBlob, WeightSet } from "./weight-set.js";
export { checkWeightSet } from "./weight-set.js";

/**
 * Reads weights from a path or from bytes; the content says in which format.
 *
 * @throws CortadoError when the file cannot be read, or is damaged, or is something else
 */
export async function readWeights(source: string | Uint8Array): Promise<WeightSet> {
  if (typeof source === "string") return readFileOf(source, quotedPath(source));
  if (!(source instanceof Uint8Array))
    throw userError("weights are read from a path or from the bytes of a file, a Uint8Array");
  return decode(source, "the weights");
}

async function decode(bytes: Uint8Array, what: string): Promise<WeightSet> {
  const marked = markedFormat(bytes);
  const kind = marked ? undefined : kindOfFile(bytes);
  if (kind && kind.is !== "weights")
    throw userError(`${what} is ${kind.words}, not a weight file`, kind.is === "state" ? GO_ON : undefined);
  return (marked ?? WEIGHT_FORMATS.caffemodel).decode(bytes, what);
}

/** The weights of a file, read by a format's own library where that reads files. */
async function readFileOf(path: string, what: string): Promise<WeightSet> {
  let bytes: Uint8Array | undefined;
  let readInPlace: ((path: string, what: string) => Promise<WeightSet>) | undefined;
  try {
    const file = await open(path, "r");
    try {
      const head = new Uint8Array(HEAD_BYTES);
      if ((await file.stat()).isFile()) {
        const { bytesRead } = await file.read(head, 0, head.length, 0);
        readInPlace = markedFormat(head.subarray(0, bytesRead))?.read;
        if (!readInPlace) bytes = await readFile(path);
      } else bytes = await readFile(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw userError(`cannot read the weights ${what}: ${troubleOf(error)}`);
  }
  return readInPlace ? readInPlace(path, what) : decode(bytes ?? new Uint8Array(), what);
}

/**
 * Weights as the bytes of a file.
 *
 * @throws CortadoError for a set that is not sound, or that the format cannot hold
 */
export async function encodeWeights(weights: WeightSet, format: WeightFormat): Promise<Uint8Array> {
  const pieces = await encodePieces(weights, format);
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

/** As pieces that together are the file, so that a large net need not be copied. */
async function encodePieces(weights: WeightSet, format: WeightFormat): Promise<readonly Uint8Array[]> {
  checkWeightSet(weights);
  return formatRecord(format).encode(weights);
}

/**
 * Writes weights to a file, whole or not at all; the format is that of the path's ending.
 *
 * @throws CortadoError for another ending, for a set that is not sound, and when the file cannot be written
 */
export async function writeWeights(path: string, weights: WeightSet): Promise<void> {
  const pieces = await encodePieces(weights, weightFormatOf(path));
  try {
    await writeFileAtomically(path, pieces);
  } catch (error) {
    throw userError(`cannot write the weights ${quotedPath(path)}: ${troubleOf(error)}`);
  }
}
