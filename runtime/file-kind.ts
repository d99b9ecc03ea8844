/** What a file is, whatever its name says: for what people give by mistake. */

import { looksLikeSafetensors } from "./weights/safetensors.js";

/** What the kinds of files that a net deals with are to it. */
export interface FileKind {
  /** "weights": a net with blobs; "state": a solver's; "blob": a mean image; "hdf5": any of these, or data. */
  readonly is: "weights" | "state" | "blob" | "record" | "hdf5" | "text" | "other";
  /** To follow "it is". */
  readonly words: string;
}

const HDF5_SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const HEAD = 512;
/** Fields of a message that are looked at: what it is shows in the first few. */
const MOST_FIELDS = 64;

/** Whether bytes begin as an HDF5 file does. */
export const looksLikeHdf5 = (bytes: Uint8Array): boolean =>
  HDF5_SIGNATURE.every((byte, i) => bytes[i] === byte);

/** By how a file begins, as characters of latin1. */
const BEGINNINGS: readonly (readonly [beginning: RegExp | string, is: FileKind["is"], words: string])[] = [
  ["version https://git-lfs", "other", "a pointer to a file that git-lfs has not fetched"],
  [/^(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)/i, "other", "a web page (a failed download?)"],
  ["PK\x03\x04", "other", "a zip archive (of PyTorch or NumPy?)"],
  ["\x1f\x8b", "other", "compressed with gzip"],
  ["\x80\x02", "other", "a file of Python's (pickle or NumPy)"],
  ["\x93NUMPY", "other", "a file of Python's (pickle or NumPy)"],
  ["\x89PNG", "other", "an image (PNG)"],
  ["\xff\xd8\xff", "other", "an image (JPEG)"],
  ["\xff\xfe", "text", "text in UTF-16"],
  ["\xfe\xff", "text", "text in UTF-16"],
];

/** What a file is by its content; undefined where nothing tells. */
export function kindOfFile(bytes: Uint8Array): FileKind | undefined {
  if (bytes.length === 0) return { is: "other", words: "empty" };
  if (looksLikeHdf5(bytes)) return { is: "hdf5", words: "an HDF5 file" };
  if (looksLikeSafetensors(bytes)) return { is: "weights", words: "a weight file (safetensors)" };
  const head = Buffer.from(bytes.subarray(0, HEAD)).toString("latin1");
  const known = BEGINNINGS.find(([beginning]) =>
    typeof beginning === "string" ? head.startsWith(beginning) : beginning.test(head),
  );
  if (known) return { is: known[1], words: known[2] };
  const isText = /^[\t\n\r\x20-\x7e\x80-\xff]+$/.test(head);
  if (isText && /^(\xef\xbb\xbf)?[\s\xa0\xc2]*(#|\w+\s*[:{]|[{[])/.test(head))
    return { is: "text", words: "text (a prototxt?)" };
  return kindOfMessage(bytes);
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
