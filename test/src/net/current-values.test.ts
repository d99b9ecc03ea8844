/**
 * After any calls, in any order, what is read of a net is what the last of them that computes it has computed, by the
 * same net written out as loops; or it is refused. Never a value of an older forward. $CORTADO_FUZZ_RUNS: sequences of calls.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CompileOptions, parseSolver } from "../../../src/index.js";
import { compileTraining } from "../../../src/net/compile.js";
import type { TrainingNet } from "../../../src/net/compiled-net.js";

const [N, I, H, O] = [2, 3, 4, 2];
const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: ${N} dim: ${I} } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "h"
  inner_product_param { num_output: ${H} bias_term: false weight_filler { type: "xavier" } } }
layer { name: "act" type: "TanH" bottom: "h" top: "a" }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: ${N} dim: ${O} } } }
layer { name: "ip2" type: "InnerProduct" bottom: "a" top: "y"
  inner_product_param { num_output: ${O} bias_term: false weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
`;
const BLOBS = ["data", "h", "a", "t", "y", "loss"] as const;
type Blob = (typeof BLOBS)[number];
/** What each layer makes, in order. */
const MADE: readonly Blob[] = BLOBS;
const RANGES = {
  bottom: { from: "data", to: "act" },
  top: { from: "ip2", to: "loss" },
  middle: { from: "act", to: "ip2" },
} as const;
const PLACES = { bottom: [0, 2], top: [4, 5], middle: [2, 4] } as const;
type RangeName = keyof typeof RANGES;
const placesOf = (name: RangeName): readonly [number, number] => PLACES[name];
const RATE = 0.125;

/** rows [N, K] times the transpose of w [M, K]. */
const product = (rows: Float32Array, w: Float32Array, k: number): Float32Array => {
  const m = w.length / k;
  return Float32Array.from({ length: (rows.length / k) * m }, (_, at) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += rows[Math.floor(at / m) * k + i] * w[(at % m) * k + i];
    return sum;
  });
};
const transposed = (x: Float32Array, columns: number): Float32Array => {
  const rows = x.length / columns;
  return Float32Array.from(x, (_, at) => x[(at % rows) * columns + Math.floor(at / rows)]);
};

type Values = Partial<Record<Blob, Float32Array>>;

/** What Caffe would hold. */
interface Model {
  w1: Float32Array;
  w2: Float32Array;
  readonly values: Values;
  /** Of the last call, where that was a backward or a step. */
  diffs: Values;
  paramDiffs: { readonly ip1?: Float32Array; readonly ip2?: Float32Array };
}

function runForward(model: Model, first: number, last: number): void {
  const { values, w1, w2 } = model;
  for (const blob of MADE.slice(first, last + 1)) {
    if (blob === "h") values.h = product(values.data!, w1, I);
    if (blob === "a") values.a = values.h!.map(Math.tanh);
    if (blob === "y") values.y = product(values.a!, w2, H);
    if (blob === "loss")
      values.loss = Float32Array.of(
        values.y!.reduce((sum, y, i) => sum + (y - values.t![i]) ** 2, 0) / 2 / N,
      );
  }
  model.diffs = {};
  model.paramDiffs = {};
}

/** From the loss if that is in the range, and a diff on y. */
function runBackward(model: Model, first: number, last: number, onY?: Float32Array): void {
  const { values, w2 } = model;
  const diffs: Values = {};
  const own = (place: number) => place >= first && place <= last;
  const y = own(5) ? values.y!.map((value, i) => (value - values.t![i]) / N) : new Float32Array(N * O);
  diffs.y = onY ? y.map((value, i) => value + onY[i]) : y;
  if (own(5)) diffs.loss = Float32Array.of(1);
  // A range's inputs all have diffs.
  if (first === 4) diffs.t = y.map((value) => -value);
  diffs.a = product(diffs.y, transposed(w2, H), O);
  const ip2 = product(transposed(diffs.y, O), transposed(values.a!, H), N);
  if (!own(2)) {
    model.diffs = diffs;
    model.paramDiffs = { ip2 };
    return;
  }
  diffs.h = diffs.a.map((da, i) => da * (1 - values.a![i] ** 2));
  model.diffs = diffs;
  model.paramDiffs = { ip2 };
  if (own(1))
    model.paramDiffs = { ip1: product(transposed(diffs.h, H), transposed(values.data!, I), N), ip2 };
}

const numbers = (count: number) =>
  fc
    .array(fc.integer({ min: -8, max: 8 }), { minLength: count, maxLength: count })
    .map((all) => all.map((x) => x / 8));
const batch = fc.record({ data: numbers(N * I), t: numbers(N * O) });
const rangeName = fc.constantFrom<RangeName>("bottom", "top", "middle");
const CALLS = fc.array(
  fc.oneof(
    fc.record({ call: fc.constant("forward" as const), given: fc.option(batch) }),
    fc.record({ call: fc.constant("step" as const), given: fc.option(batch) }),
    fc.record({ call: fc.constant("backward" as const), onY: fc.option(numbers(N * O)) }),
    fc.record({ call: fc.constant("range" as const), range: rangeName, given: fc.option(numbers(N * H)) }),
    fc.record({ call: fc.constant("backward range" as const), range: rangeName, onY: numbers(N * O) }),
    fc.record({ call: fc.constant("write" as const), w2: numbers(O * H) }),
  ),
  { minLength: 3, maxLength: 7 },
);
type Call = typeof CALLS extends fc.Arbitrary<(infer One)[]> ? One : never;

const float = (values: readonly number[]): Float32Array => Float32Array.from(values);
const close = (ours: Float32Array, theirs: Float32Array | undefined, what: string): void => {
  expect(theirs, what).toBeDefined();
  expect(ours.length, what).toBe(theirs!.length);
  for (const [i, x] of ours.entries()) expect(Math.abs(x - theirs![i]), `${what} ${i}`).toBeLessThan(1e-5);
};

type Batch = { readonly data: readonly number[]; readonly t: readonly number[] } | null;
const batchOf = (given: Batch) => given && { data: float(given.data), t: float(given.t) };

async function step(net: TrainingNet, model: Model, given: Batch): Promise<boolean> {
  const inputs = batchOf(given);
  if (!(await works(net.step({ rate: RATE }, inputs ?? undefined), /was not given/))) return false;
  Object.assign(model.values, inputs);
  runForward(model, 0, 5);
  runBackward(model, 0, 5);
  const taken = (which: "ip1" | "ip2") => model.paramDiffs[which]!.map((diff) => RATE * diff);
  const [ip1, ip2] = [taken("ip1"), taken("ip2")];
  model.w1 = model.w1.map((w, i) => w - ip1[i]);
  model.w2 = model.w2.map((w, i) => w - ip2[i]);
  model.paramDiffs = { ip1, ip2 };
  return true;
}

async function range(net: TrainingNet, model: Model, name: RangeName, values: number[] | null) {
  const blob = ({ bottom: "data", top: "a", middle: "h" } as const)[name];
  const given: Values = values ? { [blob]: float(values.slice(0, blob === "data" ? N * I : N * H)) } : {};
  if (name === "middle" && !model.values.t) given.t = new Float32Array(N * O);
  const refused = /no value|earlier forward|not kept|was not given/;
  if (!(await works(net.forward(given as Record<Blob, Float32Array>, RANGES[name]), refused))) return false;
  Object.assign(model.values, given);
  runForward(model, ...placesOf(name));
  return true;
}

/** Makes a call of both; where the net refuses, nothing has happened. */
async function make(net: TrainingNet, model: Model, call: Call): Promise<boolean> {
  switch (call.call) {
    case "forward": {
      const inputs = batchOf(call.given);
      if (!(await works(net.forward(inputs ?? undefined), /was not given/))) return false;
      Object.assign(model.values, inputs);
      runForward(model, 0, 5);
      return true;
    }
    case "step":
      return step(net, model, call.given);
    case "backward": {
      const y = call.onY ? float(call.onY) : undefined;
      if (!(await works(net.backward(y && { y }), /backward needs a forward/))) return false;
      runBackward(model, 0, 5, y);
      return true;
    }
    case "range":
      return range(net, model, call.range, call.given);
    case "backward range": {
      if (call.range === "bottom") return false;
      const y = float(call.onY);
      if (!(await works(net.backward({ y }, RANGES[call.range]), /backward needs a forward/))) return false;
      runBackward(model, ...placesOf(call.range), y);
      return true;
    }
    case "write":
      await net.params["ip2"][0].write(float(call.w2));
      model.w2 = float(call.w2);
      return true;
  }
}

async function works(call: Promise<unknown>, refused: RegExp): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    expect(String(error)).toMatch(refused);
    return false;
  }
}

/** Reads everything. How much of it was there. */
async function readAll(
  net: TrainingNet,
  model: Model,
  keep: readonly string[],
  last: string,
): Promise<number> {
  let found = 0;
  const look = async (
    read: Promise<Float32Array>,
    theirs: Float32Array | undefined,
    what: string,
    must: boolean,
  ) => {
    const ours = await read.catch((error: unknown) => {
      expect(String(error), what).toMatch(/not kept|no value|no diff|earlier|does not keep|failed/);
      expect(must, `${what}: ${error}`).toBe(false);
    });
    if (!ours) return;
    found++;
    close(ours, theirs, what);
  };
  const whole = last === "forward" || last === "step";
  for (const blob of BLOBS) {
    const kept = keep.includes(blob);
    const given = blob === "data" || blob === "t" || blob === "loss";
    await look(
      net.read(blob),
      model.values[blob],
      `value of ${blob} after ${last}`,
      whole && (kept || given),
    );
    const diff =
      model.diffs[blob] ?? (blob === "t" || blob === "data" ? model.values[blob]?.map(() => 0) : undefined);
    const hasDiffs = last === "backward" || last === "step";
    await look(net.readDiff(blob), diff, `diff of ${blob} after ${last}`, hasDiffs && kept);
  }
  for (const layer of ["ip1", "ip2"] as const)
    await look(
      net.params[layer][0].readDiff(),
      model.paramDiffs[layer],
      `diff of ${layer} after ${last}`,
      last === "backward" || (last === "step" && keep.length > 2),
    );
  return found;
}

async function check(
  options: Pick<CompileOptions, "target" | "threads" | "keep" | "keepDiffs">,
  keep: readonly string[],
  runs: number,
): Promise<void> {
  const { solver } = parseSolver('base_lr: 1 lr_policy: "fixed"');
  const net = await compileTraining(NET, solver, options);
  const [w1, w2] = await Promise.all([net.params["ip1"][0].read(), net.params["ip2"][0].read()]);
  const model: Model = { w1, w2, values: {}, diffs: {}, paramDiffs: {} };
  let found = 0;
  await fc.assert(
    fc.asyncProperty(CALLS, async (calls) => {
      await net.params["ip1"][0].write(w1);
      await net.params["ip2"][0].write(w2);
      [model.w1, model.w2] = [w1, w2];
      for (const call of calls)
        if (await make(net, model, call))
          found += await readAll(net, model, keep, call.call === "write" ? "" : call.call);
    }),
    { numRuns: runs },
  );
  expect(found).toBeGreaterThan(5 * runs);
  await net.close();
}

/** Sequences of calls on each net. */
const RUNS = Math.min(Number(process.env["CORTADO_FUZZ_RUNS"] ?? 12), 600);

describe("what is read is of the last calls, or refused", () => {
  it.each(["ts", "wasm", "emulator"] as const)(
    "on %s, where little is kept and where all is",
    async (target) => {
      const few = ["h", "y"];
      await check({ target, keep: few }, few, RUNS);
      await check({ target, keep: "all", threads: target === "emulator" ? 1 : 2 }, BLOBS, RUNS);
    },
  );
});
