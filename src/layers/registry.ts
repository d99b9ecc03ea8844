import * as catalogue from "./catalogue/index.js";
import type { LayerType } from "./record.js";

const BY_TYPE: ReadonlyMap<string, LayerType> = new Map(
  Object.values<LayerType>(catalogue).map((type) => [type.type, type]),
);

/** Layer types by name: Cortado's own, and after them `more`, which may replace one of the same name. */
export function knownLayerTypes(more: readonly LayerType[] = []): ReadonlyMap<string, LayerType> {
  return more.length === 0
    ? BY_TYPE
    : new Map([...BY_TYPE, ...more.map((type) => [type.type, type] as const)]);
}
