// biome-ignore-all lint/suspicious/noControlCharactersInRegex: they tell a binary file from a text
/** What a file is, whatever its name says: for what people give by mistake. */

import { charactersOf } from "../proto/words/text-bytes.js";
import { imageNameOf } from "./data/images/image-marks.js";
import { onnxWords } from "./onnx-file.js";
import { looksLikeSafetensors } from "./weights/safetensors.js";

/** What the kinds of files that a net deals with are to it. */
export interface FileKind {
  /** "weights": a net with blobs; "state": a solver's; "blob": a mean image; "hdf5": any of these, or data; "text": maybe a prototxt. */
  readonly is: "weights" | "state" | "blob" | "record" | "hdf5" | "text" | "other";
  /** To follow "it is". */
  readonly words: string;
  /** How to make a text of it that can be read. */
  readonly hint?: string;
}

const HDF5_SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** The end of what is looked at. */
const HEAD = 2000;
/** Fields of a message that are looked at: what it is shows in the first few. */
const MOST_FIELDS = 64;

/** Whether bytes begin as an HDF5 file does. */
export const looksLikeHdf5 = (bytes: Uint8Array): boolean =>
  HDF5_SIGNATURE.every((byte, i) => bytes[i] === byte);

type Beginnings = readonly (readonly [beginning: RegExp, words: string, hint?: string])[];

const AS_TEXT = "save it as plain text in UTF-8";
const WRITES_ONNX =
  "Cortado writes ONNX and does not read it: give the prototxt, and weights as Caffe has them";

/** Files of other programs, by how they begin, as characters of latin1. */
const FILES: Beginnings = [
  [/^PK\x03\x04/, "a zip archive (of PyTorch or NumPy?)"],
  [/^\x1f\x8b/, "compressed with gzip"],
  [/^\x80[\x01-\x05]/, "a file of Python's (pickle)"],
  [/^\x93NUMPY/, "a file of Python's (NumPy)"],
  [/^(?:\xff\xfe|\xfe\xff)/, "text in UTF-16", AS_TEXT],
  // Without a mark: every other byte of ASCII is 0.
  [/^(?:[\t\n\r -~]\0){4}|^(?:\0[\t\n\r -~]){4}/, "text in UTF-16", AS_TEXT],
  // One that is cut off: of a whole one more is known.
  [
    /^\x08[\x01-\x20]\x12[\s\S](?:cortado|pytorch|\w*onnx|keras|tf2|skl|CNTK|paddle|mxnet|caffe2)/i,
    "the beginning of a model of ONNX",
    WRITES_ONNX,
  ],
  [/^[\s\S]{257}ustar/, "a tar archive"],
  [/^\xfd7zXZ\0/, "compressed with xz"],
  [/^BZh[1-9]/, "compressed with bzip2"],
  [/^\x28\xb5\x2f\xfd/, "compressed with zstd"],
  [/^7z\xbc\xaf\x27\x1c/, "a 7-Zip archive"],
  [/^Rar!/, "a RAR archive"],
  [/^%PDF-/, "a PDF document"],
  [/^\xd0\xcf\x11\xe0/, "a document of Word, or another of Microsoft's", AS_TEXT],
  [/^\x7fELF|^MZ/, "a program"],
  [/^SQLite format 3/, "a database of SQLite"],
];

/** Texts that are no prototxt, by what stands behind comments and white space. */
const TEXTS: Beginnings = [
  [/^<(?:!doctype|html|\?xml|!--|[a-z][\w:-]*[\s>/])/i, "a web page (a failed download?)"],
  [/^version https:\/\/git-lfs/, "a pointer to a file that git-lfs has not fetched"],
  [/^\d{3}:? [A-Z]/, "an error message of a web server (a failed download?)"],
  [/^\{\\rtf/, "a document in RTF", AS_TEXT],
  [/^(?:\{\s*["}]|\[\s*["{[\d-])/, "JSON"],
  [
    /^(?:import [\w.]+(?:\s+as \w+|,|\s*$)|from [\w.]+ import|def \w+\s*\(|class \w+\s*[(:]|@\w+)/m,
    "a program in Python",
  ],
  [/^(?:import\b|export\b|(?:const|let|var|function)\s|["']use strict|\/\/|\/\*)/, "a program in JavaScript"],
  [/^(?:diff --git|--- a\/|Index: )/, "a patch"],
  [/^[IWEF]\d{4,8} \d\d:\d\d:\d\d/, "a log of Caffe's"],
  [/^---\s*\n/, "YAML"],
];

const headOf = (bytes: Uint8Array): string => charactersOf(bytes.subarray(0, HEAD));

const hasControls = (head: string): boolean => /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(head);

/** Whether a file holds what no text does. */
export const isBinary = (bytes: Uint8Array): boolean => hasControls(headOf(bytes));

const among = (kinds: Beginnings, head: string): FileKind | undefined => {
  const [, words, hint] = kinds.find(([beginning]) => beginning.test(head)) ?? [];
  return words === undefined ? undefined : { is: "other", words, hint };
};

/** What a file is by its content; undefined where nothing tells. */
export function kindOfFile(bytes: Uint8Array): FileKind | undefined {
  if (bytes.length === 0) return { is: "other", words: "empty" };
  if (looksLikeHdf5(bytes)) return { is: "hdf5", words: "an HDF5 file" };
  if (looksLikeSafetensors(bytes)) return { is: "weights", words: "a weight file (safetensors)" };
  const onnx = onnxWords(bytes);
  if (onnx !== undefined) return { is: "other", words: onnx, hint: WRITES_ONNX };
  const head = headOf(bytes);
  const file = among(FILES, head);
  if (file) return file;
  if (hasControls(head)) {
    const image = imageNameOf(head);
    return image ? { is: "other", words: `an image (${image})` } : kindOfMessage(bytes);
  }
  const text = head.replace(/^(?:[\s\xa0\xc2]+|\xef\xbb\xbf|#[^\n]*(?:\n|$))*/, "");
  const other = among(TEXTS, text);
  if (other) return other;
  return text !== head || /^(?:\w+\s*[:{]|[{[])/.test(text)
    ? { is: "text", words: "text (a prototxt?)" }
    : undefined;
}

const NUMBER = 0;
const BYTES = 2;

/** Which of Caffe's messages bytes are, by the numbers and wire types of their first fields. */
function kindOfMessage(bytes: Uint8Array): FileKind | undefined {
  const fields = fieldsOf(bytes);
  const has = (id: number, wire: number): boolean => fields.has(id * 8 + wire);
  if (has(100, BYTES) || (has(2, BYTES) && !has(1, NUMBER)))
    return { is: "weights", words: "a weight file (.caffemodel)" };
  if (has(1, NUMBER) && has(2, NUMBER) && has(3, NUMBER) && (has(4, BYTES) || has(6, BYTES)))
    return { is: "record", words: "a record of a database (Datum)" };
  if (has(1, NUMBER) && (has(2, BYTES) || has(3, BYTES))) return { is: "state", words: "a solver state" };
  if ([5, 7, 8, 12].some((id) => has(id, BYTES)) && !has(1, BYTES))
    return { is: "blob", words: "a mean image, or another single blob (BlobProto)" };
  return undefined;
}

/** Tags of the first fields of a message; of one that is cut off, those before. Empty where it is no message. */
function fieldsOf(bytes: Uint8Array): ReadonlySet<number> {
  const tags = new Set<number>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  for (let count = 0; count < MOST_FIELDS && at < bytes.length; count++) {
    const tag = varint();
    const wire = tag & 7;
    if (!(tag >= 8) || wire === 3 || wire === 4 || wire > 5) return count === 0 ? new Set() : tags;
    tags.add(tag);
    if (wire === NUMBER) varint();
    else {
      // Not `at += …`: that would read `at` before `varint` moves it.
      const size = wire === BYTES ? varint() : wire === 1 ? 8 : 4;
      at += size;
    }
    if (!(at <= bytes.length)) return tags;
  }
  return tags;
}
