/** Weight files: `.caffemodel`, `.caffemodel.h5` and `.safetensors`. */

import { userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { joinBytes } from "../../proto/words/text-bytes.js";
import { kindOfFile } from "../file-kind.js";
import { type MatchReport, formatMatchReport as reportText } from "./match.js";
import { ENCODE_WEIGHTS, FORMAT_MATCH_REPORT, READ_WEIGHTS, WRITE_WEIGHTS } from "./weight-arguments.js";
import { holdWeightFile, readWeightFileOf, writeWholeFile } from "./weight-files.js";
import {
  type FormatRecord,
  markedFormat,
  WEIGHT_FORMATS,
  type WeightFormat,
  weightFormatOf,
} from "./weight-formats.js";
import { checkWeightSet, GO_ON, type WeightSet } from "./weight-set.js";

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
  typeof source === "string"
    ? readWeightFileOf(source, quotedPath(source), decode)
    : decode(source, "the weights", false);

/** Hands on the set that weights are. Of a file, it is there until `use` has resolved: its memory is then given back. */
export async function withWeightSet<T>(
  source: string | Uint8Array | WeightSet,
  use: (weights: WeightSet) => Promise<T>,
): Promise<T> {
  if (typeof source !== "string")
    return use(source instanceof Uint8Array ? await readWeightFile(source) : source);
  return holdWeightFile(source, quotedPath(source), decode, use);
}

async function decode(bytes: Uint8Array, what: string, owned: boolean): Promise<WeightSet> {
  const marked = markedFormat(bytes);
  const kind = marked ? undefined : kindOfFile(bytes);
  if (kind && kind.is !== "weights")
    throw userError(`${what} is ${kind.words}, not a weight file`, kind.is === "state" ? GO_ON : kind.hint);
  return (marked ?? WEIGHT_FORMATS.caffemodel).decode(bytes, what, owned);
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
  await writeWholeFile(path, quotedPath(path), pieces);
}

/** A report of `loadWeights` for people: a line for each kind. Weights of which none fits are warned of: Caffe says nothing. */
export const formatMatchReport = (report: MatchReport): string =>
  reportText(FORMAT_MATCH_REPORT(report).report);
