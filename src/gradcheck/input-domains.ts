/** What the inputs of a net may hold: as the layers that read them say in their domains. */

import type { Shape } from "../../codegen/ir/graph.js";
import type { LayerParameter } from "../../proto/index.js";
import { knownLayerTypes, type LayerType, type LoweredNet, type Values } from "../layers/index.js";
import type { NetDef } from "../net-text/index.js";
import type { InputDomain } from "./random-net.js";

/** What one bottom of a layer may hold, and whether the layer is smooth in it. */
export interface BottomDomain {
  readonly values: Values;
  readonly differentiable: boolean;
}

const ANY_REAL: Values = { kind: "real", min: -2, max: 2 };

/** The domains of a layer's bottoms, of these shapes. */
export function bottomDomains(
  type: LayerType,
  layer: LayerParameter,
  shapes: readonly Shape[],
): readonly BottomDomain[] {
  const { values, differentiable } = type.domain ?? {};
  const wanted = values?.(layer, shapes);
  return shapes.map((_, i) => {
    const own = wanted?.[i] ?? ANY_REAL;
    return { values: own, differentiable: own.kind !== "label" && (differentiable?.includes(i) ?? true) };
  });
}

/**
 * The inputs of a net: each as its first reader wants it, or as a label where any reader wants one.
 *
 * @param net of the layers that `lowered` has
 */
export function inputDomains(
  lowered: LoweredNet,
  net: NetDef,
  types?: readonly LayerType[],
): readonly InputDomain[] {
  const known = knownLayerTypes(types);
  const readers = new Map<string, BottomDomain[]>();
  for (const [index, layer] of net.net.layer.entries()) {
    const type = known.get(layer.type);
    if (!type) continue;
    const shapes = lowered.layers[index].bottomNodes.map(({ shape }) => shape);
    for (const [i, domain] of bottomDomains(type, layer, shapes).entries()) {
      const blob = layer.bottom[i];
      readers.set(blob, [...(readers.get(blob) ?? []), domain]);
    }
  }
  return [...lowered.inputs].map(([blob, shape]): InputDomain => {
    const all = readers.get(blob) ?? [];
    const domain = all.find(({ values }) => values.kind === "label") ?? all[0];
    return {
      blob,
      shape,
      values: domain?.values ?? ANY_REAL,
      differentiable: domain?.differentiable ?? true,
    };
  });
}
