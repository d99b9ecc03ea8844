import { layerKeys } from "../../proto/words/by-place.js";
import type { Blobs, Gradients } from "../net-types.js";
import { orZeros } from "./float32.js";
import type { Runner } from "./runner.js";
import { type NetTables, type ParamTable, shapesIn } from "./tables.js";

/** A record without a prototype: any name is a key like any other. */
export const record = <T>(): Record<string, T> => Object.create(null);

/** What forward left, as fresh arrays. */
export async function outputsOf({ outputs, blobs }: NetTables, runner: Runner): Promise<Blobs> {
  const shapes = shapesIn(blobs);
  const values = await Promise.all(outputs.map((blob) => runner.read("value", blob)));
  const found = record<Float32Array>();
  for (const [i, blob] of outputs.entries()) found[blob] = orZeros(values[i], shapes.get(blob) ?? []);
  return found;
}

/** What backward left, as fresh arrays: asked for all at once, so that a device answers in one go. */
export async function gradientsOf(
  { inputs, inputDiffs, layers }: NetTables,
  runner: Runner,
): Promise<Gradients> {
  const shapes = shapesIn(inputs);
  const keys = layerKeys(layers);
  const learning = layers
    .map(({ params }, place) => ({ key: keys[place], params }))
    .filter(({ params }) => params.length > 0);
  const gradient = async ({ param, shape }: ParamTable) =>
    orZeros(await runner.read("gradient", param), shape);
  const [ofInputs, ofLayers] = await Promise.all([
    Promise.all(
      inputDiffs.map(async (blob) => orZeros(await runner.read("diff", blob), shapes.get(blob) ?? [])),
    ),
    Promise.all(learning.map(({ params }) => Promise.all(params.map(gradient)))),
  ]);
  const found = { inputs: record<Float32Array>(), params: record<Float32Array[]>() };
  for (const [i, blob] of inputDiffs.entries()) found.inputs[blob] = ofInputs[i];
  for (const [i, { key }] of learning.entries()) found.params[key] = ofLayers[i];
  return found;
}
