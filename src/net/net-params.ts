import { sameShape, sizeOf } from "../../codegen/ir/graph.js";
import type { RealType } from "../../codegen/ir/real.js";
import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import type { Device, ParamMemory, ParamStore } from "../../runtime/device.js";
import { fill, streamOf } from "../../runtime/random/index.js";
import type { LoweredNet, LoweredParam } from "../layers/index.js";
import type { NetInternals } from "./internals.js";

export interface ParamOptions {
  readonly device: Device;
  readonly dtype: RealType;
  /** Of the fillers. */
  readonly seed: number;
  /** A net on the same device, whose parameters are shared by layer name and position. */
  readonly lent?: Pick<NetInternals, "lowered" | "params">;
  /** Refuses so many elements where they do not fit; called once, before any is allocated. */
  readonly check: (elements: number) => void;
}

/**
 * Allocates every parameter and fills it as its layer says, or takes the memory that another net lends for the
 * same layer and position. Throws a CortadoError where a lent parameter has another shape.
 */
export async function createParams(
  lowered: LoweredNet,
  { device, dtype, seed, lent, check }: ParamOptions,
): Promise<ParamStore> {
  if (lent && lent.params.dtype !== dtype)
    throw userError(`A net in ${dtype} cannot share the parameters of a net in ${lent.params.dtype}`);
  const layers = new Map(lent?.lowered.layers.map((layer) => [layer.name, layer]));
  const lentFor = ({ kind, layer, position }: LoweredParam) =>
    kind === "carried" ? undefined : layers.get(layer)?.params[position];
  const own = lowered.params.filter((param) => !lentFor(param));
  const elements = own.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  check(elements);
  const memories: ParamMemory[] = [];
  for (const [index, param] of lowered.params.entries()) {
    const shared = lentFor(param);
    if (shared) {
      if (!sameShape(shared.shape, param.shape))
        throw userError(
          `Parameter ${param.position} of layer ${quoted(param.layer)} has shape ${showShape(param.shape)} here and ${showShape(shared.shape)} in the net it is shared with`,
        );
      if (lent) memories.push(lent.params.memories[shared.index]);
      continue;
    }
    const memory = device.allocate(sizeOf(param.shape));
    if (param.filler || param.value) await memory.write(initialValues(param, index, seed));
    memories.push(memory);
  }
  return { dtype, memories };
}

/** What a parameter starts with: as its layer says. */
export const initialValues = (
  { filler, shape, value = 0 }: LoweredParam,
  index: number,
  seed: number,
): ArrayLike<number> =>
  filler
    ? fill(filler, shape, seed, streamOf("parameter", index))
    : new Float64Array(sizeOf(shape)).fill(value);
