/** A net under construction, layer by layer, from messages to text. */

import { type Shape, sizeOf } from "../../codegen/ir/graph.js";
import { present } from "../../proto/errors/index.js";
import { type LayerParameter, withFields } from "../../proto/index.js";
import { type LayerType, type LoweredNet, schemaWith } from "../layers/index.js";
import { lowerDefinition } from "../net/lower-definition.js";
import { parseNet, selectLayers } from "../net-text/index.js";
import { netText } from "./net-text.js";
import type { InputDomain, RandomNet } from "./random-net.js";

/** Deeper blobs than this make a check slow, not better. */
const LARGEST_BLOB = 800;

/** Reads and lowers a random net, in phase TRAIN. @throws CortadoError with every mistake */
export const lowerText = (text: string, types?: readonly LayerType[]): LoweredNet =>
  lowerDefinition(selectLayers(parseNet(text, { schema: schemaWith(types) }), { phase: "TRAIN" }), {
    phase: "TRAIN",
    types,
    feedShapes: new Map(),
  });

/** The last layer of a net, lowered with those before it. */
export const lastLowered = (text: string): LoweredNet["layers"][number] =>
  present(lowerText(text).layers.at(-1), "the last layer");

/** A blob that a further layer can read. */
export interface Blob {
  readonly name: string;
  readonly shape: Shape;
}

/** What a layer's first bottom is: a blob, or a new input of a shape (undefined: of any that the type takes). */
export type Start = Blob | { readonly name?: undefined; readonly shape: Shape | undefined };

/** A net under construction. */
export interface NetBuilder {
  readonly layers: LayerParameter[];
  readonly inputs: InputDomain[];
  /** What a layer can read, the newest first. */
  blobs(): readonly Blob[];
  /** Adds a layer and the inputs that it needs; takes it back where its tops would be too large. */
  add(layer: LayerParameter, inputs: readonly InputDomain[]): boolean;
  /** Puts other fields into the last layer: none that changes shapes. */
  amendLast(fields: Partial<LayerParameter>): void;
  newName(prefix: string): string;
  /** Whether any layer has something to learn. */
  learns(): boolean;
  finish(forceBackward: boolean): Omit<RandomNet, "seed">;
}

export function createNetBuilder(types: readonly LayerType[]): NetBuilder {
  const layers: LayerParameter[] = [];
  const inputs: InputDomain[] = [];
  let blobs: readonly Blob[] = [];
  let learns = false;
  let names = 0;
  const textOf = (forceBackward: boolean): string => netText(inputs, layers, forceBackward);
  return {
    layers,
    inputs,
    blobs: () => blobs,
    learns: () => learns,
    newName: (prefix) => `${prefix}${names++}`,
    add(layer, needed) {
      layers.push(layer);
      inputs.push(...needed);
      const { blobs: found, params } = lowerText(textOf(true), types);
      const labels = new Set(inputs.filter(({ differentiable }) => !differentiable).map(({ blob }) => blob));
      const all = [...found].map(([name, { shape }]) => ({ name, shape }));
      if (all.some(({ shape }) => sizeOf(shape) > LARGEST_BLOB)) {
        layers.pop();
        inputs.splice(inputs.length - needed.length);
        return false;
      }
      learns = params.some(({ kind }) => kind === "learned");
      const made = new Map(all.map((blob) => [blob.name, blob]));
      // In the order in which they were made: inputs, then the layers' tops.
      const order = [...inputs.map(({ blob }) => blob), ...layers.flatMap(({ top }) => top)];
      blobs = [...new Set(order.reverse())].flatMap((name) =>
        labels.has(name) ? [] : (made.get(name) ?? []),
      );
      return true;
    },
    amendLast(fields) {
      const last = layers.pop();
      if (last) layers.push(withFields(last, fields));
    },
    finish: (forceBackward) => ({ text: textOf(forceBackward), inputs: [...inputs] }),
  };
}
