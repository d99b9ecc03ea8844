/** Weight files: `.caffemodel`, `.caffemodel.h5` and `.safetensors`. */
import { readFile } from "node:fs/promises";
import { userError } from "../../src/errors/index.js";
import { writeFileAtomically } from "../files.js";
import { decodeCaffemodel, encodeCaffemodel } from "./caffemodel.js";
import { decodeHdf5, encodeHdf5, looksLikeHdf5 } from "./hdf5.js";
import { decodeSafetensors, encodeSafetensors, looksLikeSafetensors } from "./safetensors.js";
import type { WeightFormat, WeightSet } from "./weight-set.js";

export * from "./match.js";
export type { WeightBlob, WeightFormat, WeightSet } from "./weight-set.js";

/**
 * Reads weights from a path or from bytes; the format is told from the content.
 *
 * @throws CortadoError when the file cannot be read, or is damaged, or is something else
 */
export async function readWeights(source: string | Uint8Array): Promise<WeightSet> {
  const what = typeof source === "string" ? JSON.stringify(source) : "the weights";
  const bytes = typeof source === "string" ? await bytesOf(source) : source;
  if (looksLikeHdf5(bytes)) return decodeHdf5(bytes, what);
  if (looksLikeSafetensors(bytes)) return decodeSafetensors(bytes, what);
  const wrong = wrongKind(bytes);
  if (wrong) throw userError(`${what} is ${wrong}, not a weight file`);
  return decodeCaffemodel(bytes, what);
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT"
        ? "there is no such file"
        : code === "EISDIR"
          ? "it is a folder"
          : code === "ERR_FS_FILE_TOO_LARGE"
            ? "it is larger than 2 GiB"
            : (error as Error).message;
    throw userError(`cannot read the weights ${JSON.stringify(path)}: ${why}`);
  }
}

/** What people give by mistake, told by its first bytes. A binary net starts with a field tag below 0x20 or `"`. */
function wrongKind(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "empty";
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 512));
  if (head.startsWith("version https://git-lfs")) return "a pointer to a file that git-lfs has not fetched";
  if (/^\s*<(!doctype|html|\?xml)/i.test(head)) return "a web page (a failed download?)";
  if (head.startsWith("PK\u0003\u0004")) return "a zip archive";
  if (head.startsWith("\u001f\u008b")) return "compressed with gzip";
  if (/^[\t\n\r\x20-\x7e]+$/.test(head) && /^\s*(#|\w+\s*[:{])/.test(head)) return "text (a prototxt?)";
  return undefined;
}

/** The format that a path's ending asks for. @throws CortadoError for an ending that none has */
export function weightFormatOf(path: string): WeightFormat {
  if (path.endsWith(".caffemodel")) return "caffemodel";
  if (/\.(h5|hdf5)$/.test(path)) return "hdf5";
  if (path.endsWith(".safetensors")) return "safetensors";
  throw userError(
    `cannot tell the format of weights from the name ${JSON.stringify(path)}`,
    "names end in .caffemodel, .caffemodel.h5 or .safetensors",
  );
}

/** Weights as the bytes of a file. */
export async function encodeWeights(weights: WeightSet, format: WeightFormat): Promise<Uint8Array> {
  switch (format) {
    case "caffemodel":
      return encodeCaffemodel(weights);
    case "hdf5":
      return encodeHdf5(weights);
    case "safetensors":
      return encodeSafetensors(weights);
    default:
      return format satisfies never;
  }
}

/** Writes weights to a file, whole or not at all; the format is that of the path's ending. */
export async function writeWeights(path: string, weights: WeightSet): Promise<void> {
  const bytes = await encodeWeights(weights, weightFormatOf(path));
  try {
    await writeFileAtomically(path, bytes);
  } catch (error) {
    throw userError(`cannot write the weights ${JSON.stringify(path)}: ${(error as Error).message}`);
  }
}
