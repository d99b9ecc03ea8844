/**
 * The check of a compiled backward pass against its own forward pass: along one random direction over inputs and
 * parameters, the derivative of Σ seed · output + Σ weight · loss is
 *
 *     Σ gradient · direction     by backward, and
 *     (f(x + h·d) − f(x − h·d)) / 2h   by two forwards,
 *
 * all in float64, on the code that the `ts` target runs.
 */
import { present } from "../../proto/errors/index.js";
import type { ParamStore } from "../../runtime/device.js";
import type { Runner } from "../../runtime/net/runner.js";
import { randomStream } from "../../runtime/random/index.js";
import { inputName, type LoweredNet, STEP } from "../layers/index.js";
import { diffName } from "../net/objective.js";
import { type NetValues, uniforms } from "./net-values.js";

/** How far the two derivatives may be apart, relative to the greater of them. */
export const RELATIVE_BOUND = 1e-6;
/** With this step truncation is about 1e-10 of the third derivative, rounding about 1e-11 of the value. */
export const STEP_SIZE = 1e-5;
/**
 * Differences at two step sizes that disagree by more than this share cannot tell anything: a kink lies between. At
 * a kink in the very middle the central differences agree; there the second differences do not grow as h².
 */
const KINK_BOUND = 1e-6;
/** Of the value: what the sums inside a net round off. */
const ROUNDING = 16 * Number.EPSILON;

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

/** A net compiled for both passes, and the point that it is checked at. */
export interface Checked {
  readonly lowered: LoweredNet;
  readonly runner: Runner;
  readonly store: ParamStore;
  readonly values: NetValues;
  /** Outputs without a loss weight, and the diffs put on them. */
  readonly seeds: ReadonlyMap<string, Float64Array>;
}

/** Where to go from the point. What is absent stays. */
export interface Direction {
  readonly inputs: ReadonlyMap<string, Float64Array>;
  /** By index. */
  readonly params: ReadonlyMap<number, Float64Array>;
}

/** A direction along these inputs and parameters, from a net's seed; `index` tells several of one seed apart. */
export function randomDirection(
  { values }: Checked,
  along: { readonly inputs: readonly string[]; readonly params: readonly number[] },
  seed: number,
  index = 0,
): Direction {
  const stream = randomStream(seed, 2 + index);
  const inputs = along.inputs.map((blob) => {
    const { length } = present(values.inputs.get(blob), `the values of ${blob}`);
    return [blob, uniforms(stream, length)] as const;
  });
  const params = along.params.map((i) => [i, uniforms(stream, values.params[i].length)] as const);
  return { inputs: new Map(inputs), params: new Map(params) };
}

/** What backward leaves at the point, and the function's value there. */
export interface PointGradients {
  readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
  readonly params: ReadonlyMap<number, ArrayLike<number>>;
  readonly value: number;
  /** The sum of the terms' sizes: what rounding is relative to. */
  readonly size: number;
}

/** Writes inputs and parameters at `x + t · direction`, and runs forward. */
export async function forwardAt(
  { runner, store, values, lowered }: Checked,
  direction?: Direction,
  t = 0,
): Promise<void> {
  const moved = (x: Float64Array, d: Float64Array | undefined): Float64Array =>
    d && t !== 0 ? x.map((value, i) => value + t * d[i]) : x;
  for (const [blob, x] of values.inputs)
    await runner.write(inputName(blob), moved(x, direction?.inputs.get(blob)));
  for (const [index, x] of values.params.entries())
    await store.memories[index].write(moved(x, direction?.params.get(index)));
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
  const readValue = async (blob: string): Promise<ArrayLike<number> & Iterable<number>> =>
    present(await runner.read("value", blob), `the value of ${blob}`);
  for (const [blob, seed] of seeds) {
    const output = await readValue(blob);
    seed.forEach((s, i) => {
      add(s * output[i]);
    });
  }
  for (const { blob, weight, backward } of lowered.losses)
    if (backward && !seeds.has(blob)) for (const loss of await readValue(blob)) add(weight * loss);
  return { value, size };
}

/** Runs forward and backward at the point itself. */
export async function gradientsAt(checked: Checked): Promise<PointGradients> {
  const { runner, lowered, seeds } = checked;
  await forwardAt(checked);
  const { value, size } = await objective(checked);
  for (const [blob, seed] of seeds) await runner.write(diffName(blob), seed);
  await runner.backward();
  const inputs = new Map<string, ArrayLike<number>>();
  for (const blob of lowered.wanted.inputs) {
    const diff = await runner.read("diff", blob);
    if (diff) inputs.set(blob, diff);
  }
  const params = new Map<number, ArrayLike<number>>();
  for (const index of lowered.wanted.params) {
    const gradient = await runner.read("gradient", index);
    if (gradient) params.set(index, gradient);
  }
  return { inputs, params, value, size };
}

/**
 * Compares backward with central differences along a direction. A point that is not smooth within the first step
 * is looked at with the next, smaller one.
 */
export async function compareAlong(
  checked: Checked,
  { inputs, params, value, size }: PointGradients,
  direction: Direction,
  steps: readonly number[] = [STEP_SIZE],
): Promise<GradientCheck> {
  let backward = 0;
  let terms = 0;
  const along = (gradient: ArrayLike<number> | undefined, d: Float64Array): void =>
    d.forEach((move, i) => {
      const term = move * (gradient?.[i] ?? 0);
      backward += term;
      terms += Math.abs(term);
    });
  for (const [blob, d] of direction.inputs) along(inputs.get(blob), d);
  for (const [index, d] of direction.params) along(params.get(index), d);

  const at = async (t: number): Promise<number> => {
    await forwardAt(checked, direction, t);
    return (await objective(checked)).value;
  };
  let result: GradientCheck | undefined;
  for (const h of steps) {
    const [left2, left, right, right2] = [await at(-2 * h), await at(-h), await at(h), await at(2 * h)];
    const differences = (right - left) / (2 * h);
    const wide = (right2 - left2) / (4 * h);
    // What the sums cancel, and the rounding of f itself over h, are no error of the derivative.
    const noise = (ROUNDING * size) / h;
    const scale = Math.max(
      Math.abs(backward),
      Math.abs(differences),
      1e-3 * terms,
      1e-3 * size,
      noise / RELATIVE_BOUND,
      1e-6,
    );
    const error = Math.abs(backward - differences) / scale;
    // Smooth: (f(h) − 2f(0) + f(−h)) / h grows as h. At a kink in 0 it is the jump of the derivative, whatever h.
    const bend = (right - value - (value - left)) / h;
    const bend2 = (right2 - value - (value - left2)) / (2 * h);
    const smooth = Math.max(Math.abs(differences - wide), Math.abs(bend2 - 2 * bend)) <= KINK_BOUND * scale;
    const finite = [left2, left, right, right2, value].every(Number.isFinite);
    const outcome = !finite || !smooth ? "kink" : error <= RELATIVE_BOUND ? "equal" : "different";
    result = { outcome, backward, differences, error };
    if (outcome !== "kink") return result;
  }
  return result ?? { outcome: "kink", backward, differences: Number.NaN, error: Number.NaN };
}
