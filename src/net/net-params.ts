import { sameShape, sizeOf } from "../../codegen/ir/graph.js";
import type { RealType } from "../../codegen/ir/real.js";
import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { pairByName } from "../../proto/words/by-place.js";
import { quoted } from "../../proto/words/names.js";
import type { Device, ParamMemory, ParamStore } from "../../runtime/device.js";
import { fill, streamOf } from "../../runtime/random/index.js";
import { drawInVectors } from "../../runtime/random/vector-words.js";
import type { LayerParam, LoweredNet, LoweredParam } from "../layers/index.js";
import type { NetInternals } from "./internals.js";

export interface ParamOptions {
  readonly device: Device;
  readonly dtype: RealType;
  /** Of the fillers. */
  readonly seed: number;
  /** A net on the same device, whose parameters are shared. */
  readonly lent?: Lent;
  /** Refuses so many elements where they do not fit; called once, before any is allocated. */
  readonly check: (elements: number) => void;
}

/** A net whose parameters another one takes. */
export interface Lent extends Pick<NetInternals, "lowered" | "params"> {
  /**
   * Which of its layers lends to one of the borrower's, by place, where the borrower is a part of it. Default: by
   * name, as weights are matched.
   */
  readonly placeOf?: (place: number) => number | undefined;
}

/** For each layer of a net the one that lends it parameters. */
function lendersOf(
  { layers }: LoweredNet,
  { lowered, placeOf }: Lent,
): readonly (LoweredNet["layers"][number] | undefined)[] {
  if (placeOf)
    return layers.map((_, place) => {
      const at = placeOf(place);
      return at === undefined ? undefined : lowered.layers[at];
    });
  const learning = (all: LoweredNet["layers"]) => all.filter(({ params }) => params.length > 0);
  const ours = learning(layers);
  const pairs = pairByName(learning(lowered.layers), ours);
  const lenders = new Map(ours.map((layer, i) => [layer, pairs[i]]));
  return layers.map((layer) => lenders.get(layer));
}

/**
 * Allocates every parameter, or takes the memory that another net lends for the same layer and position.
 *
 * @returns them, and what gives those that were allocated their first values, as their layers say: but for those that have
 * been loaded, since to draw a large net's values takes seconds
 * @throws CortadoError where a lent parameter has another shape
 */
export function createParams(
  lowered: LoweredNet,
  { device, dtype, seed, lent, check }: ParamOptions,
): {
  readonly params: ParamStore;
  readonly fillParams: (loaded?: ReadonlySet<ParamMemory>) => Promise<void>;
} {
  if (lent && lent.params.dtype !== dtype)
    throw userError(`A net in ${dtype} cannot share the parameters of a net in ${lent.params.dtype}`);
  /** By index: what another net lends for it. A shared parameter is its first layer's. */
  const lentParams = new Map<number, { readonly own: LayerParam; readonly lent: LayerParam }>();
  for (const [place, lender] of lent ? lendersOf(lowered, lent).entries() : [])
    for (const [position, own] of lowered.layers[place].params.entries()) {
      const found = lender?.params[position];
      if (found && !lentParams.has(own.index)) lentParams.set(own.index, { own, lent: found });
    }
  const own = lowered.params.filter((_, index) => !lentParams.has(index));
  const elements = own.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  check(elements);
  const memories: ParamMemory[] = [];
  for (const [index, param] of lowered.params.entries()) {
    const shared = lentParams.get(index);
    if (shared) {
      if (!sameShape(shared.lent.shape, shared.own.shape))
        throw userError(
          `Parameter ${param.position} of layer ${quoted(param.layer)} has shape ${showShape(shared.own.shape)} here and ${showShape(shared.lent.shape)} in the net it is shared with`,
        );
      if (lent) memories.push(lent.params.memories[shared.lent.index]);
      continue;
    }
    memories.push(device.allocate(sizeOf(param.shape)));
  }
  return {
    params: { dtype, memories },
    async fillParams(loaded) {
      const filled = [...lowered.params.entries()].filter(
        ([index, { filler, value }]) =>
          !lentParams.has(index) && !loaded?.has(memories[index]) && (filler || value),
      );
      if (filled.some(([, { filler, shape }]) => filler && sizeOf(shape) >= MANY)) await drawInVectors();
      for (const [index, param] of filled) await fillParam(memories[index], param, index, seed);
    },
  };
}

/** Values from which on it pays to make ready to draw in vectors. */
const MANY = 2 ** 16;

/** Where the values lie, if that is in this process: a large net's would be garbage as large, for as long as nobody collects it. */
async function fillParam(
  memory: ParamMemory,
  param: LoweredParam,
  index: number,
  seed: number,
): Promise<void> {
  const { filler, shape } = param;
  if (filler && memory.fill)
    memory.fill((values) => void fill(filler, shape, seed, streamOf("parameter", index), values));
  else await memory.write(initialValues(param, index, seed));
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
