/**
 * Small whole nets for property tests, drawn from the layer records alone: what a layer may look like, which shapes
 * it takes and where it is smooth is what its own `domain` says. The choices are a list of numbers, so that
 * fast-check shrinks the net by shrinking them: 0 always stands for the simplest choice.
 */
import fc from "fast-check";
import {
  createMessage,
  type LayerParameter,
  type Message,
  type MessageName,
  messageInfo,
  type ParamSpec,
  withFields,
} from "../../proto/index.js";
import type { Shape } from "../../src/ir/graph.js";
import {
  type Draw,
  knownLayerTypes,
  type LayerType,
  type Settings,
  type Values,
} from "../../src/layers/index.js";
import { formatNet } from "../../src/prototxt/index.js";
import { lowerText } from "./lowered.js";

/** A net and what its inputs may hold. */
export interface DrawnNet {
  /** Its prototxt: inputs are Input layers. */
  readonly text: string;
  readonly inputs: readonly DrawnInput[];
  /** Of the values: inputs, parameters, seeds, direction. */
  readonly seed: number;
}

export interface DrawnInput {
  readonly blob: string;
  readonly shape: Shape;
  readonly values: Values;
  /** Whether the net is smooth in it. */
  readonly differentiable: boolean;
}

const MOST_CHOICES = 60;
const CHOICE_BITS = 30;
/** Deeper blobs than this make a check slow, not better. */
const LARGEST_BLOB = 800;

/** Turns a list of numbers into choices; when it is used up, every choice is the simplest. */
function drawFrom(choices: readonly number[]): Draw {
  let used = 0;
  const next = (): number => choices[used++] ?? 0;
  const draw: Draw = {
    integer: (min, max) => min + (next() % (max - min + 1)),
    real: (min, max) => min + (next() / 2 ** CHOICE_BITS) * (max - min),
    boolean: () => next() % 2 === 1,
    of: (values) => values[next() % values.length],
  };
  return draw;
}

function drawn(make: (draw: Draw) => Omit<DrawnNet, "seed">): fc.Arbitrary<DrawnNet> {
  const choice = fc.noBias(fc.nat(2 ** CHOICE_BITS - 1));
  return fc
    .record({
      choices: fc.array(choice, { minLength: MOST_CHOICES, maxLength: MOST_CHOICES }),
      seed: fc.noBias(fc.nat()),
    })
    .map(({ choices, seed }): DrawnNet => {
      const net = { ...make(drawFrom(choices)), seed };
      // What fast-check prints of a counterexample.
      return Object.defineProperty(net, fc.toStringMethod, {
        value: () => `values of seed ${seed}\n${net.text}`,
      });
    });
}

/** A layer type that has a gradient. */
export const isDifferentiable = (type: LayerType): boolean =>
  type.lower !== undefined && type.domain?.differentiable?.length !== 0 && type.tops.exact !== 0;

/** Every type of Cortado's own that has a gradient. */
export const differentiableTypes: readonly LayerType[] = [...knownLayerTypes().values()].filter(
  isDifferentiable,
);

/** One layer of a type over inputs. `type` may be one that Cortado does not have. */
export const singleLayerNet = (type: LayerType): fc.Arbitrary<DrawnNet> =>
  drawn((draw) => {
    const net = createSketch([type]);
    addLayer(draw, net, type, { shape: undefined });
    return net.finish(true);
  });

/** How many types are tried on a blob before the net does without that layer. */
const TRIES = 4;

/**
 * Two to six layers: chains, branches that join again, in-place layers, parameters shared by name, a loss at the end
 * or not, with force_backward or only as far down as there is something to learn.
 */
export const layeredNet: fc.Arbitrary<DrawnNet> = drawn((draw) => {
  const net = createSketch([]);
  const isLoss = (type: LayerType): boolean => (type.lossWeight ?? 0) !== 0;
  const inner = differentiableTypes.filter((type) => !isLoss(type));
  const losses = differentiableTypes.filter(isLoss);
  const count = draw.integer(2, 5);
  for (let i = 0; i < count; i++) {
    const blobs = net.blobs();
    // Mostly the newest blob, now and then one of those before it, or a new input.
    const back = [0, 0, 0, 0, 1, 2, 3][draw.integer(0, 6)];
    const from: Start = blobs[back] ?? { shape: drawInputShape(draw) };
    for (let tries = 0; tries < TRIES; tries++) if (addLayer(draw, net, draw.of(inner), from)) break;
    if (draw.integer(0, 2) === 2) addTwin(draw, net);
  }
  if (draw.boolean() && net.layers.length > 0) addLayer(draw, net, draw.of(losses), net.blobs()[0]);
  if (net.layers.length === 0) addLayer(draw, net, inner[0], { shape: undefined });
  return net.finish(!(net.learns() && draw.boolean()));
});

/** Mostly images, which most types take. */
function drawInputShape(draw: Draw): Shape {
  const rank = draw.of([4, 4, 4, 3, 2]);
  return Array.from({ length: rank }, (_, axis) => draw.integer(1, axis < 2 ? 3 : 5));
}

interface Blob {
  readonly name: string;
  readonly shape: Shape;
}

/** What a layer's first bottom is: a blob, or a new input of a shape (undefined: of any that the type takes). */
type Start = Blob | { readonly name?: undefined; readonly shape: Shape | undefined };

/** A net under construction. */
interface Sketch {
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

function createSketch(types: readonly LayerType[]): Sketch {
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

const inputLayer = ({ blob, shape }: DrawnInput): LayerParameter =>
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
const settingsFields = (settings: Settings): Partial<LayerParameter> =>
  Object.fromEntries(
    Object.entries(settings).map(([field, plain]): [string, Message] => {
      const kind = messageInfo("LayerParameter").byName.get(field)!.kind;
      if (kind.is !== "message") throw new TypeError(`${field} holds no settings`);
      return [field, message(kind.message, plain)];
    }),
  );

const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((extent, i) => extent === b[i]);

/** As many bottoms as the record asks for, all of one shape of 1 to 4 axes. */
function defaultShapes(
  draw: Draw,
  { bottoms }: LayerType,
  first: Shape | undefined,
): readonly Shape[] | undefined {
  if (first && (first.length < 1 || first.length > 4)) return undefined;
  const shape = first ?? Array.from({ length: draw.integer(1, 4) }, () => draw.integer(1, 5));
  const least = bottoms.exact ?? bottoms.min ?? 0;
  const most = bottoms.exact ?? bottoms.max ?? least + 1;
  return new Array<Shape>(draw.integer(least, most)).fill(shape);
}

const anyReal: Values = { kind: "real", min: -2, max: 2 };

/** Adds a layer of a type to the net. False where the type cannot take that first bottom. */
function addLayer(draw: Draw, net: Sketch, type: LayerType, from: Start): boolean {
  const domain = type.domain ?? {};
  const shapes = domain.shapes ? domain.shapes(draw, from.shape) : defaultShapes(draw, type, from.shape);
  if (!shapes || (from.shape && !sameShape(shapes[0], from.shape))) return false;
  const name = net.newName("layer");
  const settings = settingsFields(domain.settings?.(draw, shapes) ?? {});
  const bare = createMessage("LayerParameter", { name, type: type.type, ...settings });
  const values = domain.values?.(bare, shapes) ?? shapes.map(() => anyReal);
  const smooth = (i: number): boolean => domain.differentiable?.includes(i) ?? true;
  const readable = (i: number): boolean => {
    const wanted = values[i];
    return smooth(i) && !(wanted.kind === "real" && wanted.bounded);
  };
  if (from.name !== undefined && !readable(0)) return false;

  const inputs: DrawnInput[] = [];
  const bottom = shapes.map((shape, i): string => {
    if (i === 0 && from.name !== undefined) return from.name;
    // A join: another blob of the shape, where there is one.
    const others = i > 0 && readable(i) ? net.blobs().filter((blob) => sameShape(blob.shape, shape)) : [];
    if (others.length > 0 && draw.integer(0, 3) > 0) return draw.of(others).name;
    const input = { blob: net.newName("in"), shape, values: values[i], differentiable: smooth(i) };
    inputs.push(input);
    return input.blob;
  });
  const count = type.autoTop
    ? 1
    : (domain.tops?.(draw, shapes) ?? type.tops.exact ?? Math.max(1, type.tops.min ?? 1));
  const tops = type.topPerBottom ? shapes.length : count;
  const inPlace = type.inPlace === true && tops === 1 && draw.integer(0, 2) === 2;
  const top = Array.from({ length: tops }, (_, i) => (inPlace && i === 0 ? bottom[0] : net.newName("blob")));
  const weight = type.autoTop && draw.integer(0, 3) === 3 ? { loss_weight: [0.5] } : {};
  return net.add(withFields(bare, { bottom, top, ...weight }), inputs);
}

/** Adds a copy of the last layer over another blob of the same shape, with the same parameters by name. */
function addTwin(draw: Draw, net: Sketch): void {
  const { layers } = net;
  const last = layers.at(-1);
  if (last?.bottom.length !== 1 || last.top.length !== 1) return;
  const lowered = lowerText(
    formatNet(createMessage("NetParameter", { layer: [...net.inputs.map(inputLayer), ...layers] })),
  );
  const own = lowered.layers.at(-1)!;
  if (own.params.length === 0) return;
  const { shape } = lowered.blobs.get(last.bottom[0])!;
  const others = net.blobs().filter((blob) => sameShape(blob.shape, shape));
  const names = own.params.map((): ParamSpec => createMessage("ParamSpec", { name: net.newName("shared") }));
  const isState = last.type === "BatchNorm";
  if (isState || others.length === 0) return;
  layers[layers.length - 1] = withFields(last, { param: names });
  const bottom = [draw.of(others).name];
  net.add(
    withFields(last, { name: net.newName("layer"), bottom, top: [net.newName("blob")], param: names }),
    [],
  );
}
