/** A net under construction, layer by layer, from messages to text. */
import {
  createMessage,
  type LayerParameter,
  type Message,
  type MessageName,
  messageInfo,
} from "../../proto/index.js";
import { type Shape, sizeOf } from "../ir/graph.js";
import type { LayerType, LoweredNet, Settings } from "../layers/index.js";
import { lowerDefinition } from "../net/lower.js";
import { formatNet, parseNet, selectLayers } from "../prototxt/index.js";
import type { DrawnInput, DrawnNet } from "./drawn.js";

/** Deeper blobs than this make a check slow, not better. */
const LARGEST_BLOB = 800;

/** Reads and lowers a drawn net, in phase TRAIN. @throws CortadoError with every mistake */
export const lowerDrawn = (text: string, types?: readonly LayerType[]): LoweredNet =>
  lowerDefinition(selectLayers(parseNet(text), { phase: "TRAIN" }), {
    phase: "TRAIN",
    types,
    feedShapes: new Map(),
  });

/** A blob that a further layer can read. */
export interface Blob {
  readonly name: string;
  readonly shape: Shape;
}

/** What a layer's first bottom is: a blob, or a new input of a shape (undefined: of any that the type takes). */
export type Start = Blob | { readonly name?: undefined; readonly shape: Shape | undefined };

/** A net under construction. */
export interface Sketch {
  readonly layers: LayerParameter[];
  readonly inputs: DrawnInput[];
  /** What a layer can read, the newest first. */
  blobs(): readonly Blob[];
  /** Adds a layer and the inputs that it needs; takes it back where the net's own checks refuse it. */
  add(layer: LayerParameter, inputs: readonly DrawnInput[]): boolean;
  newName(prefix: string): string;
  /** Whether any layer has something to learn. */
  learns(): boolean;
  finish(forceBackward: boolean): Omit<DrawnNet, "seed">;
}

export function createSketch(types: readonly LayerType[]): Sketch {
  const layers: LayerParameter[] = [];
  const inputs: DrawnInput[] = [];
  let blobs: readonly Blob[] = [];
  let learns = false;
  let names = 0;
  const textOf = (forceBackward: boolean): string =>
    formatNet(
      createMessage("NetParameter", {
        ...(forceBackward ? { force_backward: true } : {}),
        layer: [...inputs.map(inputLayer), ...layers],
      }),
    );
  return {
    layers,
    inputs,
    blobs: () => blobs,
    learns: () => learns,
    newName: (prefix) => `${prefix}${names++}`,
    add(layer, needed) {
      layers.push(layer);
      inputs.push(...needed);
      const { blobs: found, params } = lowerText(textOf(true), { types });
      const labels = new Set(inputs.filter(({ differentiable }) => !differentiable).map(({ blob }) => blob));
      const all = [...found].map(([name, { shape }]) => ({ name, shape }));
      if (all.some(({ shape }) => shape.reduce((a, b) => a * b, 1) > LARGEST_BLOB)) {
        layers.pop();
        inputs.splice(inputs.length - needed.length);
        return false;
      }
      learns = params.some(({ kind }) => kind === "learned");
      const made = new Map(all.map((blob) => [blob.name, blob]));
      // In the order in which they were made: inputs, then the layers' tops.
      const order = [...inputs.map(({ blob }) => blob), ...layers.flatMap(({ top }) => top)];
      blobs = [...new Set(order.reverse())]
        .filter((name) => !labels.has(name))
        .map((name) => made.get(name)!);
      return true;
    },
    finish: (forceBackward) => ({ text: textOf(forceBackward), inputs: [...inputs] }),
  };
}

export const inputLayer = ({ blob, shape }: DrawnInput): LayerParameter =>
  createMessage("LayerParameter", {
    name: blob,
    type: "Input",
    top: [blob],
    input_param: message("InputParameter", { shape: [{ dim: shape }] }),
  });

/** A message of plain values; those of nested messages are plain too. */
function message<T extends MessageName>(type: T, plain: object): ReturnType<typeof createMessage<T>> {
  const { byName } = messageInfo(type);
  const own = Object.entries(plain).map(([name, value]) => {
    const kind = byName.get(name)?.kind;
    if (kind?.is !== "message") return [name, value];
    return [
      name,
      Array.isArray(value) ? value.map((item) => message(kind.message, item)) : message(kind.message, value),
    ];
  });
  return createMessage(type, Object.fromEntries(own));
}

/** The settings of a record's domain as fields of a layer. */
export const settingsFields = (settings: Settings): Partial<LayerParameter> =>
  Object.fromEntries(
    Object.entries(settings).map(([field, plain]): [string, Message] => {
      const kind = messageInfo("LayerParameter").byName.get(field)!.kind;
      if (kind.is !== "message") throw new TypeError(`${field} holds no settings`);
      return [field, message(kind.message, plain)];
    }),
  );

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((extent, i) => extent === b[i]);

