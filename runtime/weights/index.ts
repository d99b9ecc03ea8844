/** Weight files: `.caffemodel`, `.caffemodel.h5` and `.safetensors`. */

import { type FileHandle, open, readFile } from "node:fs/promises";
import { fileError, userError } from "../../proto/errors/index.js";
import { joinBytes } from "../../proto/words/text-bytes.js";
import { quotedPath } from "../../proto/words/names.js";
import { writeFileAtomically } from "../atomic-file.js";
import { kindOfFile } from "../file-kind.js";
import { type HeldBytes, readHeldBytes } from "../held-bytes.js";
import { GO_ON } from "./hdf5-weights.js";
import { type MatchReport, formatMatchReport as reportText } from "./match.js";
import { ENCODE_WEIGHTS, FORMAT_MATCH_REPORT, READ_WEIGHTS, WRITE_WEIGHTS } from "./weight-arguments.js";
import {
  type FormatRecord,
  HEAD_BYTES,
  markedFormat,
  WEIGHT_FORMATS,
  type WeightFormat,
  weightFormatOf,
} from "./weight-formats.js";
import { checkWeightSet, type WeightSet } from "./weight-set.js";

export { type Assignment, type MatchReport, matchWeights, type WantedLayer } from "./match.js";
export type { WeightSource } from "./weight-arguments.js";
export { type WeightFormat, weightFormatOf } from "./weight-formats.js";
export type { WeightBlob, WeightSet } from "./weight-set.js";
export { checkWeightSet } from "./weight-set.js";

/**
 * Reads weights from a path, a file: URL or bytes; the content says in which format.
 *
 * @throws CortadoError when the file cannot be read, or is damaged, or is something else
 */
export async function readWeights(source: string | URL | Uint8Array | ArrayBuffer): Promise<WeightSet> {
  return readWeightFile(READ_WEIGHTS(source).source);
}

/** As `readWeights`, of a source that was taken. */
export const readWeightFile = async (source: string | Uint8Array): Promise<WeightSet> =>
  typeof source === "string" ? readFileOf(source, quotedPath(source)) : decode(source, "the weights", false);

/** Hands on the set that weights are. Of a file, it is there until `use` has resolved: its memory is then given back. */
export async function withWeightSet<T>(
  source: string | Uint8Array | WeightSet,
  use: (weights: WeightSet) => Promise<T>,
): Promise<T> {
  if (typeof source !== "string")
    return use(source instanceof Uint8Array ? await readWeightFile(source) : source);
  let held: HeldBytes | undefined;
  const hold = async (file: FileHandle, size: number): Promise<Uint8Array> => {
    held = await readHeldBytes(file, size);
    return held.bytes;
  };
  try {
    return await use(await readFileOf(source, quotedPath(source), hold));
  } finally {
    held?.release();
  }
}

async function decode(bytes: Uint8Array, what: string, owned: boolean): Promise<WeightSet> {
  const marked = markedFormat(bytes);
  const kind = marked ? undefined : kindOfFile(bytes);
  if (kind && kind.is !== "weights")
    throw userError(`${what} is ${kind.words}, not a weight file`, kind.is === "state" ? GO_ON : undefined);
  return (marked ?? WEIGHT_FORMATS.caffemodel).decode(bytes, what, owned);
}

/**
 * The weights of a file, read by a format's own library where that reads files.
 *
 * @param hold reads a file, in whose bytes the values stay
 */
async function readFileOf(
  path: string,
  what: string,
  hold?: (file: FileHandle, size: number) => Promise<Uint8Array>,
): Promise<WeightSet> {
  let bytes: Uint8Array | undefined;
  let readInPlace: ((path: string, what: string) => Promise<WeightSet>) | undefined;
  try {
    const file = await open(path, "r");
    try {
      const head = new Uint8Array(HEAD_BYTES);
      const about = await file.stat();
      if (about.isFile()) {
        const { bytesRead } = await file.read(head, 0, head.length, 0);
        readInPlace = markedFormat(head.subarray(0, bytesRead))?.read;
        // Some files say that they are empty and are not.
        if (!readInPlace)
          bytes = hold && about.size > 0 ? await hold(file, about.size) : await readFile(path);
      } else bytes = await readFile(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(`cannot read the weights ${what}`, error);
  }
  return readInPlace ? readInPlace(path, what) : decode(bytes ?? new Uint8Array(), what, true);
}

/**
 * Weights as the bytes of a file.
 *
 * @throws CortadoError for a set that is not sound, or that the format cannot hold
 */
export async function encodeWeights(weights: WeightSet, format: WeightFormat): Promise<Uint8Array> {
  const given = ENCODE_WEIGHTS(weights, format);
  return encodeWeightSet(given.weights, given.format);
}

/** As `encodeWeights`, of a set that nobody else holds. */
export async function encodeWeightSet(weights: WeightSet, format: WeightFormat): Promise<Uint8Array> {
  const pieces = await encodePieces(weights, format);
  return pieces.length === 1 ? pieces[0] : joinBytes(pieces);
}

/** As pieces that together are the file, so that a large net need not be copied. */
async function encodePieces(weights: WeightSet, format: WeightFormat): Promise<readonly Uint8Array[]> {
  checkWeightSet(weights);
  const record: FormatRecord = WEIGHT_FORMATS[format];
  return record.encode(weights);
}

/**
 * Writes weights to a file, whole or not at all; the format is that of the path's ending.
 *
 * @throws CortadoError for another ending, for a set that is not sound, and when the file cannot be written
 */
export async function writeWeights(path: string | URL, weights: WeightSet): Promise<void> {
  const given = WRITE_WEIGHTS(path, weights);
  return writeWeightSet(given.path, given.weights);
}

/** As `writeWeights`, of a set that nobody else holds. */
export async function writeWeightSet(path: string, weights: WeightSet): Promise<void> {
  const pieces = await encodePieces(weights, weightFormatOf(path));
  try {
    await writeFileAtomically(path, pieces);
  } catch (error) {
    throw fileError(`cannot write the weights ${quotedPath(path)}`, error);
  }
}

/** A report of `loadWeights` for people: a line for each kind. Weights of which none fits are warned of: Caffe says nothing. */
export const formatMatchReport = (report: MatchReport): string =>
  reportText(FORMAT_MATCH_REPORT(report).report);
