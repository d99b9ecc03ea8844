import {
  allocateReal,
  checkMemory,
  type ParamStore,
  type RealArray,
  type RealType,
  realBytes,
} from "../../runtime/memory.js";
import { fill, streamOf } from "../../runtime/random/index.js";
import type { Param, ParamInfo } from "../../runtime/types.js";
import { userError } from "../errors/index.js";
import { sameShape, sizeOf } from "../ir/graph.js";
import type { LoweredNet } from "../layers/index.js";

/** Parameters by layer name; layers without any are absent. */
export type ParamTable = Readonly<Record<string, readonly Param[]>>;

/** The memory behind the parameters of a net, and how layers name it. */
export interface NetParams {
  readonly store: ParamStore;
  readonly table: ParamTable;
}

/** What a shared net lends: its memory, by layer name and position. */
export interface LentParams {
  readonly dtype: RealType;
  find(
    layer: string,
    position: number,
  ): { readonly shape: readonly number[]; readonly array: RealArray } | undefined;
}

/**
 * Allocates every parameter and fills it as its layer says, or takes the memory that another net lends for the
 * same layer and position. Throws a CortadoError where a lent parameter has another shape.
 */
export function createParams(
  lowered: LoweredNet,
  dtype: RealType,
  seed: number,
  lent?: LentParams,
): NetParams {
  if (lent && lent.dtype !== dtype)
    throw userError(`A net in ${dtype} cannot share the parameters of a net in ${lent.dtype}`);
  const own = lowered.params.filter(({ layer, position }) => !lent?.find(layer, position));
  const elements = own.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  checkMemory(elements * realBytes(dtype), "the parameters");
  const arrays = lowered.params.map((param, index): RealArray => {
    const shared = lent?.find(param.layer, param.position);
    if (shared) {
      if (!sameShape(shared.shape, param.shape))
        throw userError(
          `Parameter ${param.position} of layer ${JSON.stringify(param.layer)} has shape [${param.shape.join(", ")}] here and [${shared.shape.join(", ")}] in the net it is shared with`,
        );
      return shared.array;
    }
    const array = allocateReal(dtype, sizeOf(param.shape));
    if (param.filler) array.set(fill(param.filler, param.shape, seed, streamOf("parameter", index)));
    else if (param.value !== undefined) array.fill(param.value);
    return array;
  });
  const table: Record<string, Param[]> = Object.create(null);
  for (const layer of lowered.layers) {
    if (layer.params.length > 0)
      table[layer.name] = layer.params.map(({ index, ...info }) => paramOver(info, () => arrays[index]));
  }
  return { store: { dtype, arrays }, table };
}

/** A readable and writable parameter over an array that may be replaced as a whole. */
export function paramOver(info: ParamInfo, array: () => RealArray): Param {
  return {
    shape: info.shape,
    lrMult: info.lrMult,
    decayMult: info.decayMult,
    read: async () => Float32Array.from(array()),
    async write(data) {
      if (data.length !== array().length)
        throw userError(
          `A parameter of shape [${info.shape.join(", ")}] holds ${array().length} numbers; ${data.length} were given`,
        );
      array().set(data);
    },
  };
}
