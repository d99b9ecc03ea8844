import type { CompiledNet } from "../../runtime/types.js";
import { userError } from "../errors/index.js";
import { internalsOf } from "./internals.js";
import type { LentParams } from "./params.js";

/** The parameters that another net of this process lends. */
export function lentBy(net: CompiledNet): LentParams {
  const internals = internalsOf(net);
  if (!internals) throw userError("`share` takes a net that `compile` returned");
  const { lowered, params } = internals;
  const layers = new Map(lowered.layers.map((layer) => [layer.name, layer]));
  return {
    dtype: params.store.dtype,
    find(layer, position) {
      const found = layers.get(layer)?.params[position];
      return found && { shape: found.shape, array: params.store.arrays[found.index] };
    },
  };
}
