/**
 * The check of a compiled backward pass against its own forward pass: along one random direction over all inputs and
 * parameters at once, the derivative of Σ seed · output + Σ weight · loss is
 *
 *     Σ gradient · direction     by backward, and
 *     (f(x + h·d) − f(x − h·d)) / 2h   by two forwards,
 *
 * all in float64, on the code that the `ts` target runs.
 */
import type { ParamStore } from "../../runtime/device.js";
import { randomStream } from "../../runtime/random/index.js";
import { createTsDevice } from "../../runtime/ts/device.js";
import { sizeOf } from "../../src/ir/graph.js";
import { inputName, type LayerType, type LoweredNet, STEP } from "../../src/layers/index.js";
import { build } from "../../src/net/build.js";
import { diffName, objectiveGraph } from "../../src/net/objective.js";
import { createRunner, type Runner } from "../../src/net/runner.js";
import type { DrawnNet } from "./draw-net.js";
import { lowerText } from "./lowered.js";
import { drawNetValues, type NetValues, uniforms } from "./net-values.js";

/** The step: truncation is then about 1e-10 of the third derivative, rounding about 1e-11 of the value. */
const STEP_SIZE = 1e-5;
/** How far the two derivatives may be apart, relative to the greater of them. */
export const RELATIVE_BOUND = 1e-6;
/**
 * Differences at two step sizes that disagree by more than this share cannot tell anything: a kink lies between. At
 * a kink in the very middle the central differences agree; there the second differences do not grow as h².
 */
const KINK_BOUND = 1e-6;

/** Every evaluation draws the random numbers of a net's first step: dropout leaves out the same values. */
export const RANDOM_STEP = 0;

export interface GradientCheck {
  /** `kink`: the function is not smooth within the step, or leaves what float64 can tell; nothing was checked. */
  readonly outcome: "equal" | "different" | "kink";
  readonly backward: number;
  readonly differences: number;
  /** |backward − differences| over the scale of the two. */
  readonly error: number;
}

/** A drawn net compiled for both passes, with values in it. */
export interface Checked {
  readonly lowered: LoweredNet;
  readonly runner: Runner;
  readonly store: ParamStore;
  readonly values: NetValues;
  /** Outputs without a loss weight, and the diffs put on them. */
  readonly seeds: ReadonlyMap<string, Float64Array>;
}

export interface CheckOptions {
  readonly dtype?: "float32" | "float64";
  readonly layers?: readonly LayerType[];
}

/** Compiles a drawn net in phase TRAIN with backward from seeds on every output that is no loss. */
export async function compileForCheck(net: DrawnNet, options: CheckOptions = {}): Promise<Checked> {
  const { dtype = "float64", layers } = options;
  const lowered = lowerText(net.text, { phase: "TRAIN", types: layers });
  const values = drawNetValues(net, lowered);
  const device = createTsDevice(dtype);
  const store: ParamStore = {
    dtype,
    memories: lowered.params.map(({ shape }) => device.allocate(sizeOf(shape))),
  };
  const lossBlobs = lowered.losses.map(({ blob }) => blob);
  const stream = randomStream(net.seed, 1);
  const seeds = new Map(
    lowered.outputs
      .filter((blob) => !lossBlobs.includes(blob))
      .map((blob) => [blob, uniforms(stream, sizeOf(lowered.blobs.get(blob)!.shape))]),
  );
  const graph = objectiveGraph(lowered, { backward: true, seeds: [...seeds.keys()], keep: lossBlobs });
  const built = await build(graph, lowered.builder, {
    device,
    params: store,
    seed: 1,
    threads: 1,
  });
  return { lowered, runner: createRunner(built, dtype), store, values, seeds };
}

/** Writes inputs and parameters at `x + t · direction`, and runs forward. */
export async function forwardAt(
  { runner, store, values, lowered }: Checked,
  direction?: NetValues,
  t = 0,
): Promise<void> {
  const moved = (x: Float64Array, d: Float64Array | undefined): Float64Array =>
    d && t !== 0 ? x.map((value, i) => value + t * d[i]) : x;
  for (const [blob, x] of values.inputs)
    await runner.write(inputName(blob), moved(x, direction?.inputs.get(blob)));
  for (const [index, x] of values.params.entries())
    await store.memories[index].write(moved(x, direction?.params[index]));
  if (lowered.random) await runner.write(STEP, RANDOM_STEP);
  await runner.forward();
}

/** Σ seed · output + Σ weight · loss, after a forward; and the sum of what was summed, for rounding. */
async function objective({
  runner,
  lowered,
  seeds,
}: Checked): Promise<{ readonly value: number; readonly size: number }> {
  let value = 0;
  let size = 0;
  const add = (term: number): void => {
    value += term;
    size += Math.abs(term);
  };
  for (const [blob, seed] of seeds) {
    const output = (await runner.read("value", blob))!;
    seed.forEach((s, i) => {
      add(s * output[i]);
    });
  }
  for (const { blob, weight, backward } of lowered.losses)
    if (backward) for (const loss of (await runner.read("value", blob))!) add(weight * loss);
  return { value, size };
}

/** Compiles a net and compares. The direction covers the differentiable inputs and the parameters whose gradient is wanted. */
export async function checkGradient(
  net: DrawnNet,
  options: Pick<CheckOptions, "layers"> = {},
): Promise<GradientCheck> {
  const checked = await compileForCheck(net, options);
  const { runner, lowered, values, seeds } = checked;
  const stream = randomStream(net.seed, 2);
  const moves = new Set(net.inputs.filter(({ differentiable }) => differentiable).map(({ blob }) => blob));
  const direction: NetValues = {
    inputs: new Map(
      lowered.wanted.inputs
        .filter((blob) => moves.has(blob))
        .map((blob) => [blob, uniforms(stream, values.inputs.get(blob)!.length)]),
    ),
    params: lowered.params.map(({ shape }, index) =>
      lowered.wanted.params.includes(index)
        ? uniforms(stream, sizeOf(shape))
        : new Float64Array(sizeOf(shape)),
    ),
  };
  const at = async (t: number): Promise<number> => {
    await forwardAt(checked, direction, t);
    return (await objective(checked)).value;
  };
  const h = STEP_SIZE;
  const [left2, left, right, right2] = [await at(-2 * h), await at(-h), await at(h), await at(2 * h)];
  await forwardAt(checked);
  const { value, size } = await objective(checked);

  for (const [blob, seed] of seeds) await runner.write(diffName(blob), seed);
  await runner.backward();
  let backward = 0;
  let terms = 0;
  const along = (gradient: ArrayLike<number> | undefined, d: Float64Array): void =>
    d.forEach((move, i) => {
      const term = move * (gradient?.[i] ?? 0);
      backward += term;
      terms += Math.abs(term);
    });
  for (const [blob, d] of direction.inputs) along(await runner.read("diff", blob), d);
  for (const index of lowered.wanted.params)
    along(await runner.read("gradient", index), direction.params[index]);
  await runner.built.executor.close();

  const differences = (right - left) / (2 * h);
  const wide = (right2 - left2) / (4 * h);
  // What the sums cancel, and the rounding of f itself over h, are no error of the derivative.
  const scale = Math.max(Math.abs(backward), Math.abs(differences), 1e-3 * terms, 1e-3 * size, 1e-6);
  const error = Math.abs(backward - differences) / scale;
  // Smooth: (f(h) − 2f(0) + f(−h)) / h grows as h. At a kink in 0 it is the jump of the derivative, whatever h.
  const bend = (right - value - (value - left)) / h;
  const bend2 = (right2 - value - (value - left2)) / (2 * h);
  const smooth = Math.max(Math.abs(differences - wide), Math.abs(bend2 - 2 * bend)) <= KINK_BOUND * scale;
  const finite = [left2, left, right, right2, value].every(Number.isFinite);
  const outcome = !finite || !smooth ? "kink" : error <= RELATIVE_BOUND ? "equal" : "different";
  return { outcome, backward, differences, error };
}
