/** Weights in HDF5, whose library a page does not load. */

import { userError } from "../../proto/errors/index.js";
import type { WeightSet } from "./weight-set.js";

const HINT = "in Node, writeWeights(path, await readWeights(file)) makes a .caffemodel or .safetensors of it";

export function decodeHdf5(_bytes: Uint8Array, what: string): WeightSet {
  throw userError(`${what} is HDF5, which is not read in a browser`, HINT);
}

export async function readHdf5Weights(_path: string, what: string): Promise<WeightSet> {
  return decodeHdf5(new Uint8Array(), what);
}

export async function encodeHdf5(_weights: WeightSet): Promise<Uint8Array> {
  throw userError("HDF5 is not written in a browser", "caffemodel and safetensors are");
}
