import { userError } from "../../proto/errors/index.js";
import type { CompiledNet } from "./compiled-net.js";
import { internalsOf } from "./internals.js";
import type { LentParams } from "./net-params.js";
import type { DeviceHold } from "./open-device.js";

/** What another net of this process lends: its parameters, and the device that they lie on. */
export interface Lent {
  readonly params: LentParams;
  readonly hold: DeviceHold;
}

/** @throws CortadoError for what is not a net of this process */
export function lentBy(net: CompiledNet): Lent {
  const internals = internalsOf(net);
  if (!internals) throw userError("`share` takes a net that `compile` returned");
  const { lowered, params, hold } = internals;
  const layers = new Map(lowered.layers.map((layer) => [layer.name, layer]));
  return {
    hold,
    params: {
      dtype: params.dtype,
      find(layer, position) {
        const found = layers.get(layer)?.params[position];
        return found && { shape: found.shape, memory: params.memories[found.index] };
      },
    },
  };
}
