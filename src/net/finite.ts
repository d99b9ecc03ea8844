import type { Node, Shape } from "../../codegen/ir/graph.js";
import { CortadoError, type Span } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted, quotedLayer } from "../../proto/words/names.js";
import type { ParamMemory } from "../../runtime/device.js";
import type { Runner } from "../../runtime/net/runner.js";
import type { LoweredNet } from "../layers/lower-net.js";
import { type NetDef, spanOf } from "../net-text/index.js";
import { type WatchPoint, watchedBottoms, watchedTops } from "./watch.js";

/** Looks for numbers that are NaN or infinite after a pass. @throws CortadoError that names the first layer */
export interface FiniteCheck {
  forward(runner: Runner): Promise<void>;
  backward(runner: Runner): Promise<void>;
}

interface FiniteParts {
  readonly lowered: LoweredNet;
  /** With the layers that were lowered. */
  readonly definition: NetDef;
  /** By index. */
  readonly params: readonly ParamMemory[];
}

type Values = ArrayLike<number>;
type Related = { readonly message: string; readonly span?: Span };

/** How many values of a layer are listed: a layer has a few bottoms, but Concat may have hundreds. */
const MOST_TOLD = 12;

/** The check behind `debug: "finite"`, of programs that watch. */
export function createFiniteCheck({ lowered, definition, params }: FiniteParts): FiniteCheck {
  const { layers } = lowered;
  const tops = watchedTops(lowered);
  const bottoms = watchedBottoms(lowered);
  const topOf = new Map<Node, WatchPoint>(
    tops.map((point) => [layers[point.layer].topNodes[point.index], point]),
  );
  const layerSpan = (layer: number, field: string, index = 0): Span | undefined => {
    const message = definition.net.layer[layer];
    return message && (spanOf(message, field, index) ?? spanOf(message));
  };

  /** What a layer computes from: the ranges of its bottoms and parameters. */
  async function ranges(layer: number, runner: Runner): Promise<readonly Related[]> {
    const related: Related[] = [];
    const { bottoms: names, bottomNodes, params: own } = layers[layer];
    for (const [i, node] of bottomNodes.entries()) {
      const point = topOf.get(node);
      const values = point && (await runner.read("value", point.key));
      if (values)
        related.push({
          message: `bottom ${quoted(names[i])}: ${rangeOf(values)}`,
          span: layerSpan(layer, "bottom", i),
        });
    }
    for (const [i, { index }] of own.entries())
      related.push({ message: `parameter ${i}: ${rangeOf(await params[index].read())}` });
    return related;
  }

  async function refuse(
    layer: number,
    what: string,
    values: Values,
    shape: Shape,
    {
      field,
      index,
      related,
    }: { readonly field: string; readonly index: number; readonly related: readonly Related[] },
  ): Promise<never> {
    const at = firstNotFinite(values);
    const { name, type } = layers[layer];
    throw new CortadoError([
      {
        severity: "error",
        message: `${quotedLayer(name, type)}: ${what} is ${values[at]} at element ${at} (${coordinates(at, shape)}); ${countNotFinite(values)} of ${values.length} are not finite`,
        span: layerSpan(layer, field, index),
        related: related.slice(0, MOST_TOLD),
      },
    ]);
  }

  return {
    async forward(runner) {
      for (const { layer, index, blob, key } of tops) {
        const values = await runner.read("value", key);
        if (!values || firstNotFinite(values) === -1) continue;
        await refuse(layer, `top ${quoted(blob)}`, values, layers[layer].topNodes[index].shape, {
          field: "top",
          index,
          related: await ranges(layer, runner),
        });
      }
    },
    async backward(runner) {
      const diffs = new Map<Node, Related>();
      for (let layer = layers.length - 1; layer >= 0; layer--) {
        const { bottomNodes, topNodes, params: own } = layers[layer];
        const related = async (): Promise<readonly Related[]> => [
          ...topNodes.flatMap((node) => diffs.get(node) ?? []),
          ...(await ranges(layer, runner)),
        ];
        for (const { index, blob, key } of bottoms.filter((point) => point.layer === layer)) {
          const values = await runner.read("diff", key);
          if (!values) continue;
          if (firstNotFinite(values) !== -1)
            await refuse(layer, `diff of bottom ${quoted(blob)}`, values, bottomNodes[index].shape, {
              field: "bottom",
              index,
              related: await related(),
            });
          diffs.set(bottomNodes[index], {
            message: `diff of top ${quoted(blob)}: ${rangeOf(values)}`,
          });
        }
        for (const [i, { index, shape }] of own.entries()) {
          const values = await runner.read("gradient", index);
          if (values && firstNotFinite(values) !== -1)
            await refuse(layer, `gradient of parameter ${i}`, values, shape, {
              field: "name",
              index: 0,
              related: await related(),
            });
        }
      }
    },
  };
}

function firstNotFinite(values: Values): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

function countNotFinite(values: Values): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) count++;
  return count;
}

/** `[0, 2, 1] of 4×3×2`. */
function coordinates(at: number, shape: Shape): string {
  let rest = at;
  const place = [...shape].reverse().map((extent) => {
    const coordinate = rest % extent;
    rest = Math.floor(rest / extent);
    return coordinate;
  });
  return `[${place.reverse().join(", ")}] of ${showShape(shape)}`;
}

/** `from -1.5 to 3.25`, of the finite ones, and how many others there are. */
function rangeOf(values: Values): string {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  const others = countNotFinite(values);
  const range = least <= greatest ? `from ${least} to ${greatest}` : "no finite value";
  return others === 0 ? range : `${range}, ${others} of ${values.length} not finite`;
}
