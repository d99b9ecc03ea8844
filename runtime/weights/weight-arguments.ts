/** Weights as arguments of public functions. */

import {
  argumentsOf,
  either,
  fields,
  isFields,
  listOf,
  type Rule,
  text,
  word,
} from "../../proto/arguments/argument-rules.js";
import { bytes, path } from "../../proto/arguments/file-rules.js";
import { takeNumbers } from "../../proto/arguments/given-numbers.js";
import { kindOf } from "../../proto/words/shown-value.js";
import type { MatchReport } from "./match.js";
import { WEIGHT_FORMATS, type WeightFormat } from "./weight-formats.js";
import { checkWeightSet, type WeightSet } from "./weight-set.js";

/** A set that a program made, copied: `checkWeightSet` says what is wrong in it. */
export const weightSet: Rule<WeightSet> = {
  nouns: ["a set of weights, { layers: [{ name, type, blobs }] }"],
  is: isFields,
  take(value) {
    const { layers } = value as Partial<WeightSet>;
    const copied = { layers: Array.isArray(layers) ? copies(layers, layerOf) : layers } as WeightSet;
    checkWeightSet(copied);
    return copied;
  },
};

type Some = Readonly<Record<string, unknown>>;

const layerOf = (layer: Some): unknown => {
  const { name, type, blobs } = layer;
  return { name, type, blobs: Array.isArray(blobs) ? copies(blobs, blobOf) : blobs };
};
const blobOf = (blob: Some): unknown => {
  const { shape, data } = blob;
  const isFloat32 = ArrayBuffer.isView(data) && kindOf(data) === "Float32Array";
  return { shape: Array.isArray(shape) ? copies(shape) : shape, data: isFloat32 ? takeNumbers(data) : data };
};

/** Things of which `each` is made, as far as they are objects; holes stay undefined. */
function copies(list: readonly unknown[], each?: (item: Some) => unknown): readonly unknown[] {
  const copied: unknown[] = [];
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    // What is nothing is a mistake, and the rest of an array of holes is not looked at.
    if (item === undefined) return [...copied, undefined];
    copied.push(each && isFields(item) ? each(item) : item);
  }
  return copied;
}

/** Where weights are read from: a file, by its path, URL or bytes. */
export const weightFile: Rule<string | Uint8Array> = either<string | Uint8Array>(path, bytes);

/** Weights of a file, or a set of them. */
export const weightSource: Rule<string | Uint8Array | WeightSet> = either<string | Uint8Array | WeightSet>(
  path,
  bytes,
  weightSet,
);

/** What `weights` may be, wherever it is asked for. */
export type WeightSource = string | URL | Uint8Array | ArrayBuffer | WeightSet;

export const READ_WEIGHTS = argumentsOf("readWeights", { source: weightFile });

export const ENCODE_WEIGHTS = argumentsOf("encodeWeights", {
  weights: weightSet,
  format: word(Object.keys(WEIGHT_FORMATS) as WeightFormat[]),
});

export const WRITE_WEIGHTS = argumentsOf("writeWeights", { path, weights: weightSet });

const names = listOf("an array of names", text());

export const FORMAT_MATCH_REPORT = argumentsOf("formatMatchReport", {
  report: fields<MatchReport>(
    {
      matched: names,
      untouched: listOf(
        "an array of layers",
        fields<MatchReport["untouched"][number]>({ layer: text(), hint: text() }, { needed: ["layer"] }),
      ),
      unused: names,
    },
    { noun: "a report of loadWeights", needed: ["matched", "untouched", "unused"] },
  ),
});
