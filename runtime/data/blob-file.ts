/** Files that hold one blob: a binary BlobProto, as Caffe's mean images and infogain matrices are, or NumPy's array. */

import { type Span, userError } from "../../proto/errors/index.js";
import { decodeMessage } from "../../proto/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { valuesOfBlob } from "../blob-proto.js";
import { kindOfFile } from "../file-kind.js";
import { locateSource } from "./locate.js";
import { isNpy, readNpy } from "./npy-file.js";
import { readWhole } from "./whole-file.js";

/** 2^28 values in float32 and half as many in float64. */
const LARGEST_FILE = 2 ** 30;

export interface BlobContents {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /** The file for people: `the mean file "mean.binaryproto"`. */
  readonly title: string;
}

/**
 * Reads a blob from a binary BlobProto file, or an array from a `.npy` file. Whether there are as many values as its shape says is not looked at.
 *
 * @param root the folder that a relative path starts from
 * @param what what the file is to the user: `the mean file`
 * @throws CortadoError where the file is not there, or is no BlobProto
 */
export async function readBlobFile(
  source: string,
  root: string,
  what: string,
  span?: Span,
): Promise<BlobContents> {
  const path = await locateSource(source, [root], what, span);
  const title = `${what} ${quotedPath(path)}`;
  const bytes = await readWhole(path, title, LARGEST_FILE);
  if (isNpy(bytes)) return { ...readNpy(bytes, title), title };
  const kind = kindOfFile(bytes);
  if (kind && kind.is !== "blob") throw userError(`${title} is ${kind.words}, and no binary BlobProto`);
  return { ...valuesOfBlob(decodeMessage("BlobProto", bytes, title)), title };
}
