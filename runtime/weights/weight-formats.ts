import { userError } from "../../proto/errors/index.js";
import { orList } from "../../proto/errors/suggest.js";
import { quotedPath } from "../../proto/words/names.js";
import { looksLikeHdf5 } from "../file-kind.js";
import { decodeCaffemodel, encodeCaffemodel } from "./caffemodel.js";
import { decodeHdf5, encodeHdf5, readHdf5Weights } from "./hdf5-weights.js";
import { decodeSafetensors, encodeSafetensors, looksLikeSafetensors } from "./safetensors.js";
import type { WeightSet } from "./weight-set.js";

/** All that is known of a format of weight files. */
export interface FormatRecord {
  /** The ending that messages name. */
  readonly ending: string;
  /** Whether a path's ending asks for it. */
  readonly owns: (path: string) => boolean;
  /** Whether a file begins so. Absent: a format without a mark of its own, taken where no other fits. */
  readonly looksLike?: (head: Uint8Array) => boolean;
  /**
   * @param what what the user called it, for messages
   * @param owned whether nobody else reads the bytes, which may then be changed
   */
  readonly decode: (bytes: Uint8Array, what: string, owned: boolean) => WeightSet | Promise<WeightSet>;
  /** For a format whose library reads files: leaves it where it lies. */
  readonly read?: (path: string, what: string) => Promise<WeightSet>;
  /** As pieces that together are the file, so that a large net need not be copied. */
  readonly encode: (weights: WeightSet) => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
}

export const WEIGHT_FORMATS = {
  caffemodel: {
    ending: ".caffemodel",
    owns: (path) => path.endsWith(".caffemodel"),
    decode: decodeCaffemodel,
    encode: encodeCaffemodel,
  },
  hdf5: {
    ending: ".caffemodel.h5",
    owns: (path) => /\.(h5|hdf5)$/.test(path),
    looksLike: looksLikeHdf5,
    decode: decodeHdf5,
    read: readHdf5Weights,
    encode: async (weights) => [await encodeHdf5(weights)],
  },
  safetensors: {
    ending: ".safetensors",
    owns: (path) => path.endsWith(".safetensors"),
    looksLike: looksLikeSafetensors,
    decode: decodeSafetensors,
    encode: encodeSafetensors,
  },
} as const satisfies Readonly<Record<string, FormatRecord>>;

export type WeightFormat = keyof typeof WEIGHT_FORMATS;

const NAMES = Object.keys(WEIGHT_FORMATS) as readonly WeightFormat[];
const RECORDS: readonly FormatRecord[] = Object.values(WEIGHT_FORMATS);

/** Bytes of a file that tell its format. */
export const HEAD_BYTES = 16;

/** The format whose mark a file bears; undefined where it bears none. */
export const markedFormat = (head: Uint8Array): FormatRecord | undefined =>
  RECORDS.find(({ looksLike }) => looksLike?.(head));

/** The format that a path's ending asks for. @throws CortadoError for an ending that none has */
export function weightFormatOf(path: string): WeightFormat {
  const found = NAMES.find((name) => WEIGHT_FORMATS[name].owns(path));
  if (found) return found;
  throw userError(
    `cannot tell the format of weights from the name ${quotedPath(path)}`,
    `names end in ${orList(RECORDS.map(({ ending }) => ending))}`,
  );
}
