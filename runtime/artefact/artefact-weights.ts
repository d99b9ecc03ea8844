import { sameShape, sizeOf } from "../../codegen/ir/graph.js";
import { showShape } from "../../proto/words/amounts.js";
import { pairByName } from "../../proto/words/by-place.js";
import { quoted } from "../../proto/words/names.js";
import type { LayerTable } from "../net/tables.js";
import { decodeSafetensors, encodeSafetensors } from "../weights/safetensors.js";
import { plainly } from "./plain-error.js";

/** Values by parameter, in the order in which they are to be written. */
export type ParameterValues = readonly { readonly param: number; readonly data: Float32Array }[];

/**
 * The parameters of a net from the bytes of a safetensors file whose tensors are named `<layer>/<index>`. Layers
 * that the net does not have are passed over.
 *
 * @throws Error where the file is damaged, or lacks a parameter, or has one of another shape
 */
export function readParameters(
  bytes: Uint8Array,
  layers: readonly LayerTable[],
  what: string,
): ParameterValues {
  const wanted = layers.filter(({ params }) => params.length > 0);
  if (wanted.length === 0) return [];
  const found = pairByName(plainly(() => decodeSafetensors(bytes, what)).layers, wanted);
  const values: { param: number; data: Float32Array }[] = [];
  const mistakes: string[] = [];
  for (const [place, { name, params }] of wanted.entries()) {
    const blobs = found[place]?.blobs;
    if (!blobs) mistakes.push(`${what} has no layer ${quoted(name)}`);
    else if (blobs.length !== params.length)
      mistakes.push(
        `layer ${quoted(name)} has ${params.length} parameters in the net and ${blobs.length} in ${what}`,
      );
    else
      for (const [i, { param, shape }] of params.entries()) {
        const { shape: found, data } = blobs[i];
        if (sameShape(found, shape) && data.length === sizeOf(shape)) values.push({ param, data });
        else
          mistakes.push(
            `parameter ${i} of layer ${quoted(name)} has shape ${showShape(shape)} in the net and ${showShape(found)} in ${what}`,
          );
      }
  }
  if (mistakes.length > 0) throw new Error(mistakes.join("\n"));
  return values;
}

/** Parameters as the bytes of a safetensors file, which `load` and Cortado read. */
export async function writeParameters(
  layers: readonly LayerTable[],
  read: (param: number) => Promise<Float32Array>,
): Promise<Uint8Array> {
  const written = [];
  for (const { name, type, params } of layers) {
    if (params.length === 0) continue;
    const blobs = [];
    for (const { param, shape } of params) blobs.push({ shape, data: await read(param) });
    written.push({ name, type, blobs });
  }
  const pieces = encodeSafetensors({ layers: written });
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
