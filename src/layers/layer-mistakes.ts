/** How lowering reports what is wrong with a layer, and goes on with the next one. */

import type { Node } from "../../codegen/ir/graph.js";
import type { Diagnostic, Diagnostics, Span } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import type { LayerParameter } from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted, quotedLayer } from "../../proto/words/names.js";
import {
  type BlobVersion,
  DEFINE_LAYER,
  forkTypeHelp,
  type NetDef,
  spanOf,
  type Wiring,
} from "../net-text/index.js";
import { python, recurrentBase } from "./catalogue/index.js";
import type { FailDetail, LayerType } from "./record.js";
import { givenSettings } from "./settings.js";

/** Reports a mistake in a layer and gives it up. */
export type Fail = (message: string, field?: string, detail?: FailDetail) => never;

/** Thrown by `fail` inside a layer's definition and caught here: the mistake is in the diagnostics. */
export class GivenUp extends Error {}

/** Runs a step that may give up; undefined if it did. */
export function attempt<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (error instanceof GivenUp) return undefined;
    throw error;
  }
}

export const nameOf = (layer: LayerParameter): string => quotedLayer(layer.name, layer.type);

export const placeOfName = (layer: LayerParameter): Span | undefined =>
  spanOf(layer, "name") ?? spanOf(layer);

/** Where a bottom comes from, for messages. */
export function placeOf(wiring: Wiring, version: BlobVersion, node: Node | undefined) {
  const maker = wiring.layers[version.layer]?.layer;
  return {
    message: `bottom ${quoted(version.blob)} has shape ${node ? showShape(node.shape) : "unknown"}${maker ? `, made by ${nameOf(maker)}` : ""}`,
    span: maker && (spanOf(maker, "top", version.top) ?? placeOfName(maker)),
  };
}

/** The `fail` of one layer. */
export function failing(
  layer: LayerParameter,
  type: LayerType,
  bottoms: () => readonly { readonly message: string; readonly span?: Span }[],
  diagnostics: Diagnostics,
): Fail {
  return (message, field, detail = {}) => {
    const holder = detail.in ?? givenSettings(layer, type);
    const span =
      (field !== undefined && holder && spanOf(holder, field, detail.index)) ||
      (field !== undefined && holder && holder !== layer && spanOf(holder)) ||
      placeOfName(layer);
    const made = bottoms();
    const related = (detail.bottoms ?? []).flatMap((i) => made[i] ?? []);
    diagnostics.error(`${nameOf(layer)}: ${message}`, span, {
      hint: detail.hint,
      related: related.filter((one, i) => related.findIndex(({ message }) => message === one.message) === i),
    });
    throw new GivenUp();
  };
}

const NO_TYPE = "there is no layer type";

/**
 * The mistakes of a text and those of its layers, as one list: of a layer whose type is unknown, its parameter blocks are as
 * unknown, and no mistakes of their own.
 */
export function withLayerMistakes(
  text: readonly Diagnostic[],
  found: readonly Diagnostic[],
  { net }: Pick<NetDef, "net">,
): readonly Diagnostic[] {
  const typeless = new Set(
    found.flatMap(({ message, span }) => (span && message.includes(NO_TYPE) ? [span.start] : [])),
  );
  const wholes = net.layer.flatMap((layer) => {
    const whole = spanOf(layer);
    return whole && typeless.has(spanOf(layer, "type")?.start ?? -1) ? [whole] : [];
  });
  const isPart = ({ message, span }: Diagnostic): boolean =>
    span !== undefined &&
    /: unknown field "\w+_param"$/.test(message) &&
    wholes.some(({ start, end }) => span.start >= start && span.start <= end);
  return [...text.filter((mistake) => !isPart(mistake)), ...found];
}

export function reportUnknownType(
  layer: LayerParameter,
  known: ReadonlyMap<string, LayerType>,
  diagnostics: Diagnostics,
): void {
  const span = spanOf(layer, "type") ?? spanOf(layer);
  if (layer.type === "") diagnostics.error(`layer ${quoted(layer.name)}: it has no type`, span);
  else {
    // Only what would be taken here: of forks' types none, and of Caffe's none that Cortado refuses.
    const usable = [...known].filter(([, record]) => record !== python && record !== recurrentBase);
    const names = usable.map(([name]) => name);
    const sameLetters = names.filter((name) => name.toLowerCase() === layer.type.toLowerCase());
    const hint =
      didYouMean(layer.type, sameLetters) ?? forkTypeHelp(layer.type) ?? didYouMean(layer.type, names);
    diagnostics.error(`layer ${quoted(layer.name)}: ${NO_TYPE} ${quoted(layer.type)}`, span, {
      hint: hint ?? `Caffe 1.0 has no such type: the file may be for a fork of it. ${DEFINE_LAYER}`,
    });
  }
}
