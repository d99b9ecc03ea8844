import { optimise } from "../../../support/pipeline.js";
/**
 * Nets that fast-check draws, forward and backward: what the emulator computes is what the `ts` target computes, within
 * the oracle's bound. All nets are compiled into one module. CORTADO_EMULATOR_NETS: how many.
 */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Node, sizeOf } from "../../../../codegen/ir/graph.js";
import { planGraph } from "../../../../codegen/plan/index.js";
import { randomStream } from "../../../../runtime/random/index.js";
import { randomNetValues, uniforms } from "../../../../src/gradcheck/net-values.js";
import { inputName } from "../../../../src/layers/index.js";
import { diffName, objectiveGraph } from "../../../../src/net/objective.js";
import { type EmulatedGraph, emulateGraphs } from "../../../support/emulate.js";
import { lowerText } from "../../../support/lowered.js";
import { addonForTests } from "../../../support/native.js";
import {
  differentiableTypes,
  layeredNet,
  type RandomNet,
  singleLayerNet,
} from "../../../support/random-net.js";
import { makeRunnable } from "../../../support/run.js";

const NETS = Number(process.env["CORTADO_EMULATOR_NETS"] ?? 80);
const BOUND = 1e-4;
/** Of a value that is zero but for rounding, the rounding is all there is. */
const LEAST_NORM = 1e-3;

/** Relative noise, of float32's rounding; how often; and how many times its effect is still an effect of rounding. */
const SHAKE = 1e-6;
const TURNS = 4;
const EDGE = 2;
/** Of the values compared, at most this share may stand on an edge: else the test would say little. */
const MOST_ON_EDGE = 0.01;

const native = await addonForTests();
let compared = 0;
let onEdge = 0;

/** ‖a − b‖; equal infinities and NaN do not count. */
function distanceOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}

/** A random net as a graph with values, and a check of each root against the `ts` target's float32. */
function prepare(net: RandomNet): EmulatedGraph {
  const lowered = lowerText(net.text, { phase: "TRAIN" });
  const values = randomNetValues(net, lowered);
  const losses = lowered.losses.map(({ blob }) => blob);
  const seeds = lowered.outputs.filter((blob) => !losses.includes(blob));
  const graph = optimise(objectiveGraph(lowered, { backward: true, seeds, keep: losses }), lowered.builder);
  const stream = randomStream(net.seed, 1);
  const inputs = new Map([...values.inputs].map(([blob, x]) => [inputName(blob), x] as const));
  for (const blob of seeds)
    inputs.set(diffName(blob), uniforms(stream, sizeOf(lowered.blobs.get(blob)!.shape)));
  const bindings = { inputs, params: new Map(values.params.entries()), seed: 1 };
  const nodes = graph.roots.filter(({ role }) => role !== "update").map(({ node }) => node);
  const valuesOf = (given: typeof bindings): ReadonlyMap<Node, readonly number[]> => {
    const ts = makeRunnable(planGraph(graph, { realBytes: 4 }), { dtype: "float32" });
    ts.run(given);
    return new Map(nodes.map((node) => [node, Array.from(ts.read(node))]));
  };
  const expected = valuesOf(bindings);
  // Where values of the size of float32's rounding move a result, it stands on an edge (a difference of equal numbers,
  // and its sign): there only this movement bounds how far two roundings may be apart.
  const movement = new Map<Node, number>(nodes.map((node) => [node, 0]));
  for (let turn = 0; turn < TURNS; turn++) {
    const noise = randomStream(net.seed, 2 + turn);
    const shaken = (x: Float64Array): Float64Array =>
      x.map((value) => value * (1 + SHAKE * (2 * noise.uniform() - 1)));
    const smooth = new Set(net.inputs.filter((one) => one.differentiable).map(({ blob }) => inputName(blob)));
    const moved = valuesOf({
      ...bindings,
      inputs: new Map([...inputs].map(([name, x]) => [name, smooth.has(name) ? shaken(x) : x])),
    });
    for (const node of nodes)
      movement.set(node, Math.max(movement.get(node)!, distanceOf(expected.get(node)!, moved.get(node)!)));
  }
  return {
    name: net.text,
    graph,
    bindings,
    check(node, got) {
      const want = expected.get(node)!;
      const distance = distanceOf(want, got);
      const bound = BOUND * Math.max(Math.hypot(...want), LEAST_NORM);
      compared++;
      if (distance <= bound) return undefined;
      onEdge++;
      if (distance <= EDGE * movement.get(node)!) return undefined;
      return `%${node.id} ${node.op} is ${distance} off, of ${Math.hypot(...want)}`;
    },
  };
}

describe.skipIf(!native)("random nets on the emulator", () => {
  const draw = (nets: fc.Arbitrary<RandomNet>, count: number): RandomNet[] =>
    fc.sample(nets, { numRuns: count, ...(process.env["CI"] ? { seed: 20261122 } : {}) });

  it("whole nets agree with ts", async () => {
    const faults = await emulateGraphs(native!.addon, draw(layeredNet, NETS).map(prepare));
    expect(faults).toEqual([]);
    expect(onEdge).toBeLessThanOrEqual(Math.ceil(MOST_ON_EDGE * compared));
  }, 600_000);

  it("every layer type agrees with ts", async () => {
    const nets = differentiableTypes.flatMap((type) => draw(singleLayerNet(type), 3));
    const faults = await emulateGraphs(native!.addon, nets.map(prepare));
    expect(faults).toEqual([]);
  }, 600_000);
});
