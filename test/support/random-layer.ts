/** Layers drawn from what their types declare (see Domain), as prototxt with values for every input. */
import fc from "fast-check";
import {
  createMessage,
  type LayerParameter,
  type MessageName,
  messageInfo,
  type NetParameter,
} from "../../proto/index.js";
import { type Shape, sizeOf } from "../../src/ir/graph.js";
import type { Draw, LayerType, Settings, Values } from "../../src/layers/index.js";
import { formatNet } from "../../src/prototxt/index.js";

/** A net of one layer over inputs x0, x1 …, with tops y0, y1 … */
export interface RandomLayer {
  readonly type: string;
  readonly prototxt: string;
  readonly shapes: readonly Shape[];
  readonly values: readonly Values[];
  /** Bottoms with a gradient, by position. */
  readonly differentiable: readonly number[];
  /** Fixes the values of inputs and parameters. */
  readonly seed: number;
}

/** Random choices that fast-check can shrink. */
export function drawFrom(g: fc.GeneratorValue): Draw {
  return {
    integer: (min, max) => g(fc.integer, { min, max }),
    real: (min, max) => g(fc.double, { min, max, noNaN: true }),
    boolean: () => g(fc.boolean),
    of: (choices) => choices[g(fc.integer, { min: 0, max: choices.length - 1 })],
  };
}

/** Draws a layer of a type; undefined where the draw does not fit. */
export function drawLayer(
  draw: Draw,
  type: LayerType,
  phase: "TRAIN" | "TEST" = "TRAIN",
): RandomLayer | undefined {
  const { domain = {} } = type;
  const shapes = domain.shapes
    ? domain.shapes(draw)
    : alike(draw, type.bottoms.exact ?? type.bottoms.min ?? 1);
  if (!shapes) return undefined;
  const layer = layerMessage({
    type,
    name: "l",
    bottoms: shapes.map((_, i) => `x${i}`),
    tops: Array.from({ length: topCount(draw, type, shapes) }, (_, i) => `y${i}`),
    settings: domain.settings?.(draw, shapes) ?? {},
  });
  const inputs = shapes.map((shape, i) =>
    createMessage("LayerParameter", {
      name: `x${i}`,
      type: "Input",
      top: [`x${i}`],
      input_param: createMessage("InputParameter", {
        shape: [createMessage("BlobShape", { dim: [...shape] })],
      }),
    }),
  );
  const net = createMessage("NetParameter", {
    name: `${type.type} ${phase}`,
    force_backward: true,
    layer: [...inputs, layer],
  });
  return {
    type: type.type,
    prototxt: formatNet(net as NetParameter),
    shapes,
    values: domain.values?.(layer, shapes) ?? shapes.map(() => ({ kind: "real", min: -2, max: 2 })),
    differentiable: domain.differentiable ?? shapes.map((_, i) => i),
    seed: draw.integer(0, 1e6),
  };
}

export const topCount = (draw: Draw, type: LayerType, shapes: readonly Shape[]): number =>
  type.domain?.tops?.(draw, shapes) ??
  (type.topPerBottom ? shapes.length : (type.tops.exact ?? type.tops.min ?? 0));

function alike(draw: Draw, count: number): readonly Shape[] {
  const shape = Array.from({ length: draw.integer(1, 4) }, () => draw.integer(1, 5));
  return new Array<Shape>(count).fill(shape);
}

/** A layer message from plain settings. */
export function layerMessage(parts: {
  readonly type: LayerType;
  readonly name: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly settings: Settings;
}): LayerParameter {
  return asMessage("LayerParameter", {
    name: parts.name,
    type: parts.type.type,
    bottom: parts.bottoms,
    top: parts.tops,
    ...parts.settings,
  }) as LayerParameter;
}

/** Plain values, nested as the schema says, as a message. */
function asMessage(type: MessageName, plain: Readonly<Record<string, unknown>>): unknown {
  const { byName } = messageInfo(type);
  const own = Object.entries(plain).map(([name, value]) => {
    const kind = byName.get(name)?.kind;
    if (kind?.is !== "message" || value === undefined) return [name, value] as const;
    const convert = (item: unknown) => asMessage(kind.message, item as Record<string, unknown>);
    return [name, Array.isArray(value) ? value.map(convert) : convert(value)] as const;
  });
  return createMessage(type, Object.fromEntries(own));
}

/** A stream of numbers in [0, 1): small and good enough for test values. */
export function uniforms(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values of a blob within what its layer declares. */
export function drawValues(values: Values, shape: Shape, next: () => number): Float64Array {
  const out = new Float64Array(sizeOf(shape));
  switch (values.kind) {
    case "real": {
      const { min, max, away = [], distance = 0 } = values;
      for (let i = 0; i < out.length; i++) {
        do out[i] = min + (max - min) * next();
        while (away.some((kink) => Math.abs(out[i] - kink) < distance));
      }
      return out;
    }
    case "distinct": {
      const order = Array.from(out, (_, i) => i);
      for (let i = order.length - 1; i > 0; i--) {
        const j = Math.floor(next() * (i + 1));
        [order[i], order[j]] = [order[j], order[i]];
      }
      const offset = values.offset ?? 0;
      return out.map((_, i) => values.gap * (order[i] + offset - out.length / 2));
    }
    case "label":
      return out.map(() =>
        values.or !== undefined && next() < 0.2 ? values.or : Math.floor(next() * values.below),
      );
    default:
      return values satisfies never;
  }
}
