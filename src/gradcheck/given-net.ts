/** The gradient check of a net that is given: along everything at once, and along each parameter and input alone. */

import { sizeOf } from "../../codegen/ir/graph.js";
import { InternalError, userError } from "../../proto/errors/index.js";
import { randomStream } from "../../runtime/random/index.js";
import { inputName, knownLayerTypes, type LayerType, type LoweredNet } from "../layers/index.js";
import { compile } from "../net/compile.js";
import type { CompileOptions } from "../net/compile-options.js";
import { readConstants } from "../net/constants.js";
import { internalsOf } from "../net/internals.js";
import { type CompiledRunner, loadProgram, optionsFor } from "../net/load-program.js";
import { netProgram } from "../net/programs.js";
import { readDefinition } from "../net/read-definition.js";
import type { NetDef } from "../net-text/index.js";
import { drawnInputs } from "./bottoms.js";
import { heldBack } from "./cut.js";
import { type Checked, compareAlong, type Direction, gradientsAt, STEP_SIZE } from "./directional.js";
import { type DrawnInput, type DrawnNet, isDifferentiable } from "./drawn.js";
import { drawNetValues, uniforms } from "./net-values.js";
import type { GradientFailure, GradientPart, GradientReport } from "./report.js";
import { smallestFailure } from "./single-layer.js";

export interface GivenNetOptions
  extends Pick<CompileOptions, "layers" | "root" | "stages" | "level" | "shapes" | "weights"> {
  readonly phase: "TRAIN" | "TEST";
  /** Points. */
  readonly runs: number;
  readonly seed: number;
  /** Only the parameters of this layer. */
  readonly layer?: string;
  /** In place of drawn values. */
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
export async function checkGivenNet(net: string | NetDef, options: GivenNetOptions): Promise<GradientReport> {
  const { phase, runs, seed, layer, layers, stages, level, shapes, weights } = options;
  const { definition: whole, root } = await readDefinition(
    net,
    options.root,
    { phase, level, stages },
    layers,
  );
  const compiled = await compile(whole, {
    ...{ phase, level, stages, layers, root, shapes, weights },
    target: "ts",
    dtype: "float64",
  });
  let runner: CompiledRunner | undefined;
  try {
    const internals = internalsOf(compiled);
    if (!internals) throw new InternalError("a compiled net without internals");
    const { lowered, params, hold, running, unfed } = internals;
    const { definition } = compiled;
    if (layer !== undefined && !lowered.layers.some(({ name }) => name === layer))
      throw userError(`The net has no layer ${JSON.stringify(layer)}`);
    const seeded = seededOutputs(lowered, layers);
    const losses = lowered.losses.map(({ blob }) => blob);
    const objective = { backward: true, seeds: seeded, keep: losses };
    const { device } = hold;
    const program = netProgram(lowered, objective, optionsFor(device, params.dtype, 1));
    runner = await loadProgram(program, lowered, { device, params, threads: 1 });
    for (const { input, values } of await readConstants(lowered, root)) await runner.write(input, values);

    const inputs = drawnInputs(lowered, definition, layers);
    const parts = partsOf(lowered, definition, inputs, { layer, layers });
    const own = weights === undefined ? undefined : await Promise.all(params.memories.map((m) => m.read()));
    const failures: GradientFailure[] = [];
    for (let run = 0; run < runs; run++) {
      const drawnNet: DrawnNet = { text: "", inputs, seed: seed + run };
      const drawn = drawNetValues(drawnNet, lowered);
      // A data layer gives its next batch; the caller's values stand before drawn ones.
      const given: Record<string, Float32Array> = Object.create(null);
      for (const blob of unfed)
        given[blob] = Float32Array.from(options.inputs?.[blob] ?? drawn.inputs.get(blob)!);
      await running.feed(runner, { ...options.inputs, ...given } as Record<string, Float32Array>);
      const values = new Map(drawn.inputs);
      for (const blob of values.keys()) {
        const exact = options.inputs?.[blob];
        const fed = unfed.includes(blob) ? undefined : await runner.readInput(inputName(blob));
        if (exact) values.set(blob, Float64Array.from(exact));
        else if (fed) values.set(blob, Float64Array.from(fed));
      }
      const stream = randomStream(seed + run, 1);
      const checked: Checked = {
        lowered,
        runner,
        store: params,
        values: {
          inputs: values,
          params: own ? own.map((x) => Float64Array.from(x)) : drawn.params,
        },
        seeds: new Map(
          seeded.map((blob) => [blob, uniforms(stream, sizeOf(lowered.blobs.get(blob)!.shape))]),
        ),
      };
      const gradients = await gradientsAt(checked);
      await running.check(runner);
      for (const [index, part] of parts.entries()) {
        const direction = directionOf(part, checked, seed + run, index);
        const { outcome, backward, differences, error } = await compareAlong(
          checked,
          gradients,
          direction,
          STEPS,
        );
        if (outcome === "kink") part.kinks++;
        else part.checked++;
        if (outcome === "equal") part.worst = Math.max(part.worst, error);
        if (outcome === "different")
          failures.push({ prototxt: "", seed: seed + run, along: part.name, backward, differences, error });
      }
    }
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
  drawn: readonly DrawnInput[],
  { layer, layers }: Pick<GivenNetOptions, "layer" | "layers">,
): readonly Part[] {
  const still = heldBack(lowered, definition, layers);
  const smooth = new Set(drawn.filter(({ differentiable }) => differentiable).map(({ blob }) => blob));
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
        : `layer ${JSON.stringify(layer)} has no parameter to differentiate by`,
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

/** The direction of everything is that of a drawn net of the same seed. */
function directionOf(part: Part, { values }: Checked, seed: number, index: number): Direction {
  const stream = randomStream(seed, 2 + index);
  return {
    inputs: new Map(part.inputs.map((blob) => [blob, uniforms(stream, values.inputs.get(blob)!.length)])),
    params: new Map(part.params.map((i) => [i, uniforms(stream, values.params[i].length)])),
  };
}

/** Failures with the smallest net that shows one: a single layer, where one of the net's layers fails by itself. */
async function withNets(
  failures: readonly GradientFailure[],
  net: Parameters<typeof smallestFailure>[0],
): Promise<readonly GradientFailure[]> {
  if (failures.length === 0) return failures;
  const { whole, smaller } = await smallestFailure(net);
  const told = failures.map((failure) => ({ ...failure, prototxt: whole }));
  return smaller ? [...smaller, ...told] : told;
}
