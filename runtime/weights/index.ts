/** Weight files: `.caffemodel`, `.caffemodel.h5` and `.safetensors`. */

import { open, readFile } from "node:fs/promises";
import { userError } from "../../proto/errors/index.js";
import { quoted, quotedPath } from "../../proto/words/names.js";
import { troubleOf } from "../../proto/words/trouble.js";
import { writeFileAtomically } from "../atomic-file.js";
import { decodeCaffemodel, encodeCaffemodel } from "./caffemodel.js";
import { decodeHdf5, encodeHdf5, looksLikeHdf5, readHdf5Weights } from "./hdf5-weights.js";
import { decodeSafetensors, encodeSafetensors, looksLikeSafetensors } from "./safetensors.js";
import { checkWeightSet, type WeightFormat, type WeightSet } from "./weight-set.js";

export * from "./match.js";
export type { WeightBlob, WeightFormat, WeightSet } from "./weight-set.js";
export { checkWeightSet } from "./weight-set.js";

/**
 * Reads weights from a path or from bytes; the content says in which format.
 *
 * @throws CortadoError when the file cannot be read, or is damaged, or is something else
 */
export async function readWeights(source: string | Uint8Array): Promise<WeightSet> {
  if (typeof source === "string") {
    const what = quotedPath(source);
    const bytes = await bytesOf(source);
    return bytes === "hdf5" ? readHdf5Weights(source, what) : decode(bytes, what);
  }
  if (!(source instanceof Uint8Array))
    throw userError("weights are read from a path or from the bytes of a file, a Uint8Array");
  return decode(source, "the weights");
}

async function decode(bytes: Uint8Array, what: string): Promise<WeightSet> {
  if (looksLikeHdf5(bytes)) return decodeHdf5(bytes, what);
  if (looksLikeSafetensors(bytes)) return decodeSafetensors(bytes, what);
  const wrong = wrongKind(bytes);
  if (wrong) throw userError(`${what} is ${wrong}, not a weight file`);
  return decodeCaffemodel(bytes, what);
}

/** The bytes of a file; HDF5 is left where it lies, since its library reads files. */
async function bytesOf(path: string): Promise<Uint8Array | "hdf5"> {
  try {
    const file = await open(path, "r");
    try {
      if (!(await file.stat()).isFile()) return await readFile(file);
      const head = new Uint8Array(8);
      await file.read(head, 0, head.length, 0);
      return looksLikeHdf5(head) ? "hdf5" : await readFile(path);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw userError(`cannot read the weights ${quotedPath(path)}: ${troubleOf(error)}`);
  }
}

/** What people give by mistake, known by its first bytes. */
function wrongKind(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "empty";
  const head = Buffer.from(bytes.subarray(0, 512)).toString("latin1");
  if (head.startsWith("version https://git-lfs")) return "a pointer to a file that git-lfs has not fetched";
  if (/^(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)/i.test(head)) return "a web page (a failed download?)";
  if (head.startsWith("PK\x03\x04")) return "a zip archive (of PyTorch or NumPy?)";
  if (head.startsWith("\x1f\x8b")) return "compressed with gzip";
  if (head.startsWith("\x80\x02") || head.startsWith("\x93NUMPY"))
    return "a file of Python's (pickle or NumPy)";
  // The first field of both is a number, and that of a net is its name.
  if (head.startsWith("\x08")) return "a solver state or a mean image";
  if (
    /^[\t\n\r\x20-\x7e\x80-\xff]+$/.test(head) &&
    /^(\xef\xbb\xbf)?[\s\xa0\xc2]*(#|\w+\s*[:{]|[{[])/.test(head)
  )
    return "text (a prototxt?)";
  return undefined;
}

/** The format that a path's ending asks for. @throws CortadoError for an ending that none has */
export function weightFormatOf(path: string): WeightFormat {
  if (path.endsWith(".caffemodel")) return "caffemodel";
  if (/\.(h5|hdf5)$/.test(path)) return "hdf5";
  if (path.endsWith(".safetensors")) return "safetensors";
  throw userError(
    `cannot tell the format of weights from the name ${quotedPath(path)}`,
    "names end in .caffemodel, .caffemodel.h5 or .safetensors",
  );
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
  switch (format) {
    case "caffemodel":
      return encodeCaffemodel(weights);
    case "hdf5":
      return [await encodeHdf5(weights)];
    case "safetensors":
      return encodeSafetensors(weights);
    default:
      format satisfies never;
      throw userError(
        `there is no weight format ${quoted(String(format))}`,
        'formats are "caffemodel", "hdf5" and "safetensors"',
      );
  }
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
