/** The gradient check of a net that is given: along everything at once, and along each parameter and input alone. */

import { InternalError, present, userError } from "../../proto/errors/index.js";
import { quoted } from "../../proto/words/names.js";
import { inputName, knownLayerTypes, type LayerType, type LoweredNet } from "../layers/index.js";
import { compileTaken } from "../net/compile.js";
import type { CompileOptions, TakenOptions } from "../net/compile-options.js";
import { readConstants } from "../net/constants.js";
import { internalsOf, type NetInternals } from "../net/internals.js";
import { type CompiledRunner, loadProgram, optionsFor, requestProgram } from "../net/load-program.js";
import { netRequest } from "../net/programs.js";
import { readDefinition, type Unread } from "../net/read-definition.js";
import type { NetDef } from "../net-text/index.js";
import { type Checked, compareAlong, gradientsAt, randomDirection, STEP_SIZE } from "./directional.js";
import { heldBack } from "./held-back.js";
import { inputDomains } from "./input-domains.js";
import { randomDiffs, randomNetValues } from "./net-values.js";
import { type InputDomain, isDifferentiable } from "./random-net.js";
import type { GradientFailure, GradientPart, GradientReport } from "./report.js";
import { smallestFailure } from "./single-layer.js";

export interface GivenNetOptions
  extends Pick<TakenOptions<CompileOptions>, "layers" | "root" | "stages" | "level" | "shapes" | "weights"> {
  readonly phase: "TRAIN" | "TEST";
  /** Points. */
  readonly runs: number;
  readonly seed: number;
  /** Only the parameters of this layer. */
  readonly layer?: string;
  /** In place of random values. */
  readonly inputs?: Readonly<Record<string, ArrayLike<number>>>;
}

/** A net with many kinks is smooth within a smaller step only, where rounding then allows less. */
const STEPS = [STEP_SIZE, 1e-6, 1e-7];

/** One kind of direction, and how its checks went. */
interface Part extends Pick<GradientPart, "name" | "kind" | "shape"> {
  readonly inputs: readonly string[];
  readonly params: readonly number[];
  checked: number;
  kinks: number;
  worst: number;
}

/** Checks a net at `runs` points, whose values come from `seed`, `seed` + 1 … */
export async function checkGivenNet(net: NetDef | Unread, options: GivenNetOptions): Promise<GradientReport> {
  const { phase, layer, layers, stages, level, shapes, weights } = options;
  const { definition: whole, root } = await readDefinition(
    net,
    options.root,
    { phase, level, stages },
    layers,
  );
  const compiled = await compileTaken(whole, {
    ...{ phase, level, stages, layers, root, shapes, weights },
    target: "ts",
    dtype: "float64",
  });
  let runner: CompiledRunner | undefined;
  try {
    const internals = internalsOf(compiled);
    if (!internals) throw new InternalError("a compiled net without internals");
    const { lowered } = internals;
    const { definition } = compiled;
    if (layer !== undefined && !lowered.layers.some(({ name }) => name === layer))
      throw userError(`The net has no layer ${quoted(layer)}`);
    const seeded = seededOutputs(lowered, layers);
    runner = await loadForCheck(internals, seeded);
    for (const { input, values } of await readConstants(lowered, root)) await runner.write(input, values);

    const inputs = inputDomains(lowered, definition, layers);
    const parts = partsOf(lowered, definition, inputs, { layer, layers });
    const failures = await checkPoints({ internals, runner, seeded, inputs, parts }, options);
    return {
      checked: sum(parts, ({ checked }) => checked),
      kinks: sum(parts, ({ kinks }) => kinks),
      worst: Math.max(...parts.map(({ worst }) => worst)),
      failures: await withNets(failures, { definition, lowered, phase, layers }),
      parts: parts.map(({ name, kind, shape, checked, kinks, worst }) => {
        return { name, kind, shape, checked, kinks, worst };
      }),
    };
  } finally {
    await runner?.built.executor.close();
    await compiled.close();
  }
}

/** The net's program with backward from its losses and from diffs on `seeded`. */
async function loadForCheck(
  { lowered, hold, params }: NetInternals,
  seeded: readonly string[],
): Promise<CompiledRunner> {
  const { device } = hold;
  const objective = { backward: true, seeds: seeded, keep: lowered.losses.map(({ blob }) => blob) };
  const request = netRequest(lowered, objective, optionsFor(device, params.dtype, 1));
  const program = await requestProgram(request, lowered, device);
  return loadProgram(program, { device, params, threads: 1 });
}

/** A given net, ready to be run, and what is to be compared of it. */
interface Loaded {
  readonly internals: NetInternals;
  readonly runner: CompiledRunner;
  /** Outputs to put a diff on. */
  readonly seeded: readonly string[];
  readonly inputs: readonly InputDomain[];
  readonly parts: readonly Part[];
}

/** Compares every part at every point, and counts in the parts. */
async function checkPoints(loaded: Loaded, options: GivenNetOptions): Promise<readonly GradientFailure[]> {
  const { runner, parts } = loaded;
  const { running, params } = loaded.internals;
  const own =
    options.weights === undefined
      ? undefined
      : await Promise.all(params.memories.map((memory) => memory.read()));
  const failures: GradientFailure[] = [];
  for (let seed = options.seed; seed < options.seed + options.runs; seed++) {
    const checked = await pointOf(loaded, options, own, seed);
    const gradients = await gradientsAt(checked);
    await running.check(runner);
    for (const [index, part] of parts.entries()) {
      const direction = randomDirection(checked, part, seed, index);
      const { outcome, ...found } = await compareAlong(checked, gradients, direction, STEPS);
      if (outcome === "kink") part.kinks++;
      else part.checked++;
      if (outcome === "equal") part.worst = Math.max(part.worst, found.error);
      if (outcome === "different") failures.push({ prototxt: "", seed, along: part.name, ...found });
    }
  }
  return failures;
}

/** The point of a seed. A data layer gives its next batch; the caller's values stand before random ones. */
async function pointOf(
  { internals, runner, seeded, inputs }: Loaded,
  { inputs: given = {} }: GivenNetOptions,
  own: readonly ArrayLike<number>[] | undefined,
  seed: number,
): Promise<Checked> {
  const { lowered, params, running, unfed } = internals;
  const random = randomNetValues({ text: "", inputs, seed }, lowered);
  const fed: Record<string, Float32Array> = Object.create(null);
  for (const blob of unfed)
    fed[blob] = Float32Array.from(given[blob] ?? present(random.inputs.get(blob), `the values of ${blob}`));
  await running.feed(() => runner, { ...given, ...fed } as Record<string, Float32Array>);
  const values = new Map(random.inputs);
  for (const blob of values.keys()) {
    const exact = given[blob] ?? (unfed.includes(blob) ? undefined : await runner.readInput(inputName(blob)));
    if (exact) values.set(blob, Float64Array.from(exact));
  }
  return {
    lowered,
    runner,
    store: params,
    values: { inputs: values, params: own?.map((x) => Float64Array.from(x)) ?? random.params },
    seeds: randomDiffs(lowered, seeded, seed),
  };
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

/** Outputs to put a diff on: no losses, and nothing that a layer without a gradient made. */
function seededOutputs(lowered: LoweredNet, types?: readonly LayerType[]): readonly string[] {
  const known = knownLayerTypes(types);
  const losses = new Set(lowered.losses.map(({ blob }) => blob));
  return lowered.outputs.filter((blob) => {
    const maker = lowered.layers.findLast(({ tops }) => tops.includes(blob));
    const type = maker && known.get(maker.type);
    return !losses.has(blob) && type !== undefined && isDifferentiable(type);
  });
}

/** Everything at once, then each parameter and each input that has a gradient. */
function partsOf(
  lowered: LoweredNet,
  definition: NetDef,
  domains: readonly InputDomain[],
  { layer, layers }: Pick<GivenNetOptions, "layer" | "layers">,
): readonly Part[] {
  const still = heldBack(lowered, definition, layers);
  const smooth = new Set(domains.filter(({ differentiable }) => differentiable).map(({ blob }) => blob));
  const inputs =
    layer === undefined
      ? lowered.wanted.inputs.filter((blob) => smooth.has(blob) && !still.inputs.has(blob))
      : [];
  const ofLayer = new Set(
    lowered.layers
      .filter(({ name }) => name === layer)
      .flatMap(({ params }) => params.map(({ index }) => index)),
  );
  const params = lowered.wanted.params.filter(
    (index) => !still.params.has(index) && (layer === undefined || ofLayer.has(index)),
  );
  if (inputs.length + params.length === 0)
    throw userError(
      layer === undefined
        ? "there is nothing to differentiate by"
        : `layer ${quoted(layer)} has no parameter to differentiate by`,
      "a parameter counts whose lr_mult is not 0; force_backward: true asks for the inputs' diffs as well",
    );
  const fresh = { checked: 0, kinks: 0, worst: 0 };
  return [
    { name: "everything", kind: "everything", shape: [], inputs, params, ...fresh },
    ...params.map((index): Part => {
      const { layer: owner, position, shape } = lowered.params[index];
      const name = `${owner}[${position}]`;
      return { name, kind: "parameter", shape, inputs: [], params: [index], ...fresh };
    }),
    ...inputs.map((blob): Part => {
      const shape = lowered.inputs.get(blob) ?? [];
      return { name: blob, kind: "input", shape, inputs: [blob], params: [], ...fresh };
    }),
  ];
}

/** Failures with the smallest net that shows one: a single layer, where one of the net's layers fails by itself. */
async function withNets(
  failures: readonly GradientFailure[],
  net: Parameters<typeof smallestFailure>[0],
): Promise<readonly GradientFailure[]> {
  if (failures.length === 0) return failures;
  const { whole, smaller } = await smallestFailure(net);
  return [...smaller, ...failures.map((failure) => ({ ...failure, prototxt: whole }))];
}
