import { writeUncopied } from "../../runtime/net/param.js";
import {
  formatMatchReport,
  type MatchReport,
  matchWeights,
  type WeightSet,
  type WeightSource,
  withWeightSet,
} from "../../runtime/weights/index.js";
import type { CompiledNet } from "./compiled-net.js";
import { COLLECT_WEIGHTS, LOAD_WEIGHTS } from "./net-arguments.js";

/** What became of a weight file's layers: `formatMatchReport` gives it for people. */
export type WeightReport = MatchReport;

/**
 * Copies weights into a net, matched by layer name as Caffe's CopyTrainedLayersFrom: layers that only one side has
 * are left alone and reported.
 *
 * @throws CortadoError that names every blob whose shape does not fit; then nothing has been changed
 */
export async function loadWeights(net: CompiledNet, source: WeightSource): Promise<WeightReport> {
  const given = LOAD_WEIGHTS(net, source);
  return loadTakenWeights(given.net, given.source);
}

/** As `loadWeights`, of weights that were taken. */
export async function loadTakenWeights(
  net: CompiledNet,
  source: string | Uint8Array | WeightSet,
): Promise<WeightReport> {
  const learning = withParams(net);
  const wanted = learning.map(({ name, params }) => ({
    layer: name,
    shapes: params.map(({ shape }) => shape),
  }));
  return withWeightSet(source, async (weights) => {
    const { assignments, report } = matchWeights(weights, wanted);
    for (const { at, index, data } of assignments) await writeUncopied(learning[at].params[index], data);
    return report;
  });
}

/** A net's parameters as a set that can be written to a file, in layer order. */
export async function collectWeights(net: CompiledNet): Promise<WeightSet> {
  COLLECT_WEIGHTS(net);
  const layers = [];
  for (const { name, type, params } of withParams(net)) {
    const blobs = [];
    for (const param of params) blobs.push({ shape: param.shape, data: await param.read() });
    layers.push({ name, type, blobs });
  }
  return { layers };
}

/** The layers that have parameters, in the net's order. */
const withParams = (net: CompiledNet) =>
  net.layers.flatMap(({ name, type, key }) => {
    const params = net.params[key];
    return params ? [{ name, type, params }] : [];
  });

export { formatMatchReport };
