import { sizeOf } from "../../codegen/ir/graph.js";
import { userError } from "../../proto/errors/index.js";
import { checkMemory } from "../../runtime/memory.js";
import {
  formatMatchReport,
  matchWeights,
  type WeightSet,
  withWeightSet,
} from "../../runtime/weights/index.js";
import type { LoweredNet } from "../layers/index.js";
import { initialValues } from "../net/net-params.js";

/** The weights of a build, and what became of those given. */
export interface BuiltWeights {
  readonly weights: WeightSet;
  /** The same by the parameters' indices. */
  readonly values: readonly Float32Array[];
  /** For people; undefined where none were given. */
  readonly report: string | undefined;
}

/**
 * The parameters that a build carries: filled as the net says, those given in their place.
 *
 * @throws CortadoError where the weights cannot be read or do not fit, or none of them is used
 */
export async function buildWeights(
  lowered: LoweredNet,
  seed: number,
  given: string | Uint8Array | WeightSet | undefined,
): Promise<BuiltWeights> {
  checkMemory(4 * lowered.params.reduce((sum, { shape }) => sum + sizeOf(shape), 0), "the parameters");
  const values = lowered.params.map((param, index) => Float32Array.from(initialValues(param, index, seed)));
  const layers = lowered.layers.filter(({ params }) => params.length > 0);
  const report = given === undefined ? undefined : await overwrite(layers, values, given);
  return {
    weights: {
      layers: layers.map(({ name, type, params }) => ({
        name,
        type,
        blobs: params.map(({ index, shape }) => ({ shape, data: values[index] })),
      })),
    },
    values,
    report,
  };
}

async function overwrite(
  layers: LoweredNet["layers"],
  values: readonly Float32Array[],
  given: string | Uint8Array | WeightSet,
): Promise<string> {
  const wanted = layers.map(({ name, params }) => ({
    layer: name,
    shapes: params.map(({ shape }) => shape),
  }));
  const report = await withWeightSet(given, async (set) => {
    const { assignments, report: matched } = matchWeights(set, wanted);
    for (const { at, index, data } of assignments) values[layers[at].params[index].index].set(data);
    return matched;
  });
  if (report.matched.length === 0 && report.untouched.length > 0)
    throw userError(
      "no layer of the net has weights in what option weights gives",
      formatMatchReport(report),
    );
  return formatMatchReport(report);
}
