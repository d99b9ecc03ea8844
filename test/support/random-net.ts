/** Whole small nets drawn from what their layers' types declare, and whether values lie in those domains. */
import { createMessage, type LayerParameter, type NetParameter } from "../../proto/index.js";
import { CortadoError } from "../../src/errors/index.js";
import type { Shape } from "../../src/ir/graph.js";
import {
  type Draw,
  knownLayerTypes,
  type LayerType,
  type LoweredNet,
  type Values,
} from "../../src/layers/index.js";
import { formatNet } from "../../src/prototxt/index.js";
import { lowerText } from "./lowered.js";
import { layerMessage, topCount } from "./random-layer.js";

export interface RandomNet {
  readonly prototxt: string;
  readonly lowered: LoweredNet;
  /** Inputs by blob: what their values may be. Those of labels are not differentiated. */
  readonly inputs: ReadonlyMap<string, { readonly shape: Shape; readonly values: Values }>;
  /** What each layer's bottoms may be, by layer name; `exact` where its type is not defined outside. */
  readonly domains: ReadonlyMap<string, readonly Values[]>;
}

const ANY: Values = { kind: "real", min: -1, max: 1 };

/** Types that a net is made of: all that have a gradient and read something. */
const CHOICES: readonly LayerType[] = [...knownLayerTypes().values()].filter(
  ({ feed, bottoms, domain }) => !feed && bottoms.exact !== 0 && domain?.differentiable?.length !== 0,
);

/** Draws a net of up to `most` layers, with branches, joins and in-place. */
export function drawNet(draw: Draw, most: number): RandomNet {
  const inputs = new Map<string, { shape: Shape; values: Values }>();
  const layers: LayerParameter[] = [];
  const domains = new Map<string, readonly Values[]>();
  const addInput = (shape: Shape, values: Values): string => {
    const name = `x${inputs.size}`;
    inputs.set(name, { shape, values });
    const blobShape = createMessage("BlobShape", { dim: [...shape] });
    layers.push(
      createMessage("LayerParameter", {
        name,
        type: "Input",
        top: [name],
        input_param: createMessage("InputParameter", { shape: [blobShape] }),
      }),
    );
    return name;
  };
  const text = (): string =>
    formatNet(createMessage("NetParameter", { force_backward: true, layer: [...layers] }) as NetParameter);
  const rank = draw.of([2, 4]);
  addInput(
    Array.from({ length: rank }, (_, i) => draw.integer(1, i < 2 ? 3 : 5)),
    ANY,
  );
  let lowered = lowerText(text());
  let prototxt = text();

  for (let i = draw.integer(1, most); i > 0; i--) {
    const type = draw.of(CHOICES);
    const available = [...lowered.blobs].filter(([, { shape }]) => shape.length > 0);
    const [blob, { shape }] = draw.of(available);
    const shapes = type.domain?.shapes ? type.domain.shapes(draw, shape) : alike(type, shape);
    if (!shapes) continue;
    const settings = type.domain?.settings?.(draw, shapes) ?? {};
    const count = topCount(draw, type, shapes);
    const bare = layerMessage({ type, name: `l${i}`, bottoms: [], tops: [], settings });
    const values = type.domain?.values?.(bare, shapes) ?? shapes.map(() => ANY);
    const before = layers.length;
    const knownInputs = new Map(inputs);
    const bottoms = shapes.map((wanted, k) => {
      if (k === 0) return blob;
      const same = available.filter(([, { shape: has }]) => String(has) === String(wanted));
      const joins = values[k].kind === "real" && !("bounded" in values[k]) && draw.boolean();
      return joins && same.length > 0 ? draw.of(same)[0] : addInput(wanted, values[k]);
    });
    const inPlace = count === 1 && type.inPlace && draw.boolean();
    const tops = inPlace ? [blob] : Array.from({ length: count }, (_, k) => `y${i}_${k}`);
    layers.push(layerMessage({ type, name: `l${i}`, bottoms, tops, settings }));
    try {
      lowered = lowerText(text());
      prototxt = text();
      domains.set(`l${i}`, values);
    } catch (error) {
      // A layer whose settings do not fit after all is left out, with the inputs made for it.
      if (!(error instanceof CortadoError)) throw error;
      layers.length = before;
      inputs.clear();
      for (const [name, input] of knownInputs) inputs.set(name, input);
    }
  }
  return { prototxt, lowered, inputs, domains };
}

const alike = (type: LayerType, shape: Shape): readonly Shape[] =>
  new Array<Shape>(type.bottoms.exact ?? type.bottoms.min ?? 1).fill(shape);

/** Whether values keep `margin` from every point where the layer that reads them has a kink, and lie where it is defined. */
export function inDomain(x: Float64Array, values: Values, margin: number): boolean {
  switch (values.kind) {
    case "real":
      return x.every(
        (value) =>
          (!values.bounded || (value >= values.min && value <= values.max)) &&
          (values.away ?? []).every((kink) => Math.abs(value - kink) > margin),
      );
    case "distinct": {
      const sorted = Float64Array.from(x).sort();
      return sorted.every((value, i) => i === 0 || value - sorted[i - 1] > margin);
    }
    case "label":
      return x.every((value) => Number.isInteger(value));
    default:
      return values satisfies never;
  }
}
