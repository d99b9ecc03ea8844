/** Which settings a layer type's definition looks at, seen while it runs. */
import { CortadoError } from "../../proto/errors/index.js";
import { singleLayerNet } from "../../src/gradcheck/make-nets.js";
import { drawFrom } from "../../src/gradcheck/random-net.js";
import { feedsOf, type LayerType } from "../../src/layers/index.js";
import { parseNet } from "../../src/net-text/index.js";
import { exampleText, type LayerExample } from "./layer-examples.js";
import { lowerText } from "./lowered.js";

/** Random nets from the record's domain, beside the example. */
const DRAWS = 40;

/** The message, and every field of it that is asked for. */
function watched<M extends object>(message: M, seen: (field: string) => void): M {
  const see = <T>(field: string | symbol, value: T): T => {
    if (typeof field === "string") seen(field);
    return value;
  };
  // Not around the message itself: a frozen object's proxy may not give other values.
  return new Proxy({} as M, {
    get: (_, field) => see(field, Reflect.get(message, field)),
    has: (_, field) => see(field, Reflect.has(message, field)),
    ownKeys: () => Reflect.ownKeys(message).map((field) => see(field, field)),
    getOwnPropertyDescriptor(_, field) {
      const own = see(field, Reflect.getOwnPropertyDescriptor(message, field));
      return own && { ...own, configurable: true };
    },
  });
}

/** The example, and the same without its last bottoms as far as the record allows. */
function withFewerBottoms({ bottoms: { min } }: LayerType, example: LayerExample): readonly LayerExample[] {
  const all = Object.entries(example.bottoms);
  const least = Math.min(min ?? all.length, all.length);
  return Array.from({ length: all.length - least + 1 }, (_, fewer) =>
    fewer === 0 ? example : { ...example, bottoms: Object.fromEntries(all.slice(0, all.length - fewer)) },
  );
}

/** Fields by the block that they stand in: `pooling_param`, `transform_param`. */
export type SettingsRead = ReadonlyMap<string, ReadonlySet<string>>;

export function settingsRead(type: LayerType, example: LayerExample): SettingsRead {
  const read = new Map<string, Set<string>>();
  const own = type.declared?.name ?? type.parameter;
  const watchIn = <M extends object>(block: string, message: M): M => {
    const fields = read.get(block) ?? new Set();
    read.set(block, fields);
    return watched(message, (field) => fields.add(field));
  };
  const watching = <C extends { readonly layer: object; readonly parameter: object }>(context: C): C => ({
    ...context,
    parameter: own === undefined ? context.parameter : watchIn(own, context.parameter),
    layer: new Proxy(
      {},
      {
        get(_, field) {
          const value: unknown = Reflect.get(context.layer, field);
          const block = typeof field === "string" && field.endsWith("_param") && field !== own;
          return block && typeof value === "object" && value !== null ? watchIn(field, value) : value;
        },
        has: (_, field) => Reflect.has(context.layer, field),
      },
    ),
  });
  const { lower, feed } = type;
  const spied: LayerType = {
    ...type,
    ...(lower && { lower: (context) => lower(watching(context)) }),
    ...(feed && { feed: (context) => feed(watching(context)) }),
  };
  if (feed) {
    feedsOf(parseNet(exampleText(example)), "TRAIN", [spied]);
    return read;
  }
  for (const some of withFewerBottoms(type, example))
    for (const phase of ["TRAIN", "TEST"] as const)
      try {
        lowerText(exampleText(some), { phase, types: [spied] });
      } catch (error) {
        // One that needs all its bottoms has looked at its settings before it said so.
        if (!(error instanceof CortadoError) || some === example) throw error;
      }
  if (type.domain?.differentiable?.length === 0 && !type.domain.settings) return read;
  for (let draw = 0; draw < DRAWS; draw++) {
    const choices = Array.from({ length: 60 }, (_, i) => Math.imul(draw + 1, 0x9e3779b1 + 97 * i) >>> 2);
    singleLayerNet(spied)(drawFrom(choices));
  }
  return read;
}
