import {
  argumentsOf,
  either,
  integer,
  optional,
  optionsOf,
  type Rule,
  text,
} from "../proto/arguments/argument-rules.js";
import { userError } from "../proto/errors/index.js";
import { unquoted } from "../proto/words/names.js";
import { checkGivenNet } from "./gradcheck/given-net.js";
import { singleLayerNet } from "./gradcheck/make-nets.js";
import { isDifferentiable } from "./gradcheck/random-net.js";
import type { GradientReport } from "./gradcheck/report.js";
import { searchNets } from "./gradcheck/search.js";
import { isLayerType, type LayerType, layerType } from "./layers/index.js";
import type { CompileOptions, TakenOptions } from "./net/compile-options.js";
import { blobValues, netSource, SHARED_OPTIONS } from "./net/net-arguments.js";
import type { NetSource, Unread } from "./net/read-definition.js";
import type { NetDef } from "./net-text/index.js";

export type {
  GradientFailure,
  GradientPart,
  GradientReport,
} from "./gradcheck/report.js";

export interface GradientCheckOptions
  extends Pick<CompileOptions, "layers" | "root" | "stages" | "level" | "shapes" | "weights"> {
  /** Of a layer type: random nets, default 200. Of a net: points, default 4. */
  readonly runs?: number;
  /** Of everything random. Default 1. */
  readonly seed?: number;
  /** Of a net. Default "TRAIN". */
  readonly phase?: "TRAIN" | "TEST";
  /** Of a net: check the parameters of this layer only. */
  readonly layer?: string;
  /** Of a net: values of inputs, row-major. Default: random, as the domains of the layers that read them say. */
  readonly inputs?: Readonly<Record<string, ArrayLike<number>>>;
}

const MOST_RUNS = 1e7;

const { layers, root, stages, level, shapes, weights, seed, phase } = SHARED_OPTIONS;

const CHECK_GRADIENTS = argumentsOf("checkGradients", {
  subject: either<LayerType | NetDef | Unread>(layerType, netSource as Rule<NetDef | Unread>),
  options: optional(
    optionsOf<TakenOptions<GradientCheckOptions>>("checkGradients", {
      ...{ layers, root, stages, level, shapes, weights, seed, phase },
      runs: integer(1, MOST_RUNS),
      layer: text("a layer's name"),
      inputs: blobValues,
    }),
  ),
});

/**
 * Checks compiled backward passes against central differences of the forward passes, in float64 on the target `ts`:
 * along a random direction d the derivative Σ gradient · d must be (f(x + h·d) − f(x − h·d)) / 2h, to 1e-6.
 *
 * - A layer type (of `defineLayer`, or one of Cortado's own): small random nets of one such layer are made, with parameters,
 *   shapes and values from the type's own `domain`. A failure is shrunk to the smallest net that shows it.
 * - A net (text, path or NetDef, with the shapes that it has): at each of `runs` points, along everything at once and
 *   along each parameter and each input alone. Data layers give the values that they have; other inputs are given or
 *   random, and so are parameters, unless there are `weights`. Where a layer of the net fails by itself, that layer's
 *   net comes first among the failures.
 *
 * Points where the function is not smooth within the step are left out, and counted. A failure carries a prototxt and
 * the seed of its values: `checkGradients(prototxt, { seed, runs: 1 })` repeats it. Drawing nets needs fast-check,
 * which is loaded then.
 *
 * @throws CortadoError where the net cannot be compiled, or there is nothing to differentiate by
 */
export async function checkGradients(
  subject: NetSource | LayerType,
  options?: GradientCheckOptions,
): Promise<GradientReport> {
  const { subject: given, options: settings = {} } = CHECK_GRADIENTS(subject, options);
  const { seed = 1, layers = [], phase = "TRAIN" } = settings;
  if (!isLayerType(given))
    return checkGivenNet(given, { ...settings, phase, runs: settings.runs ?? 4, seed });
  if (!isDifferentiable(given))
    throw userError(`layer type ${unquoted(given.type)} has no gradient to check`);
  return searchNets(singleLayerNet(given), { runs: settings.runs ?? 200, seed, layers: [...layers, given] });
}
