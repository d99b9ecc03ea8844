/**
 * Nets that fast-check draws, forward and backward: what the emulator computes is what the `ts` target computes, within
 * the oracle's bound. All nets are compiled into one module. CORTADO_EMULATOR_NETS: how many.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomStream } from "../../runtime/random/index.js";
import { drawNetValues, uniforms } from "../../src/gradcheck/values.js";
import { type Node, sizeOf } from "../../src/ir/graph.js";
import { inputName } from "../../src/layers/index.js";
import { diffName, objectiveGraph } from "../../src/net/objective.js";
import { runPasses } from "../../src/passes/index.js";
import { planGraph } from "../../src/plan/index.js";
import { type DrawnNet, differentiableTypes, layeredNet, singleLayerNet } from "../support/draw-net.js";
import { type EmulatedGraph, emulateGraphs } from "../support/emulate.js";
import { lowerText } from "../support/lowered.js";
import { addonForTests } from "../support/native.js";
import { makeRunnable } from "../support/run.js";

const NETS = Number(process.env["CORTADO_EMULATOR_NETS"] ?? 80);
const BOUND = 1e-4;
/** Of a value that is zero but for rounding, the rounding is all there is. */
const LEAST_NORM = 1e-3;

const native = await addonForTests();

/** A drawn net as a graph with values, and a check of each root against the `ts` target's float32. */
function prepare(net: DrawnNet): EmulatedGraph {
  const lowered = lowerText(net.text, { phase: "TRAIN" });
  const values = drawNetValues(net, lowered);
  const losses = lowered.losses.map(({ blob }) => blob);
  const seeds = lowered.outputs.filter((blob) => !losses.includes(blob));
  const graph = runPasses(objectiveGraph(lowered, { backward: true, seeds, keep: losses }), lowered.builder);
  const stream = randomStream(net.seed, 1);
  const inputs = new Map([...values.inputs].map(([blob, x]) => [inputName(blob), x] as const));
  for (const blob of seeds)
    inputs.set(diffName(blob), uniforms(stream, sizeOf(lowered.blobs.get(blob)!.shape)));
  const bindings = { inputs, params: new Map(values.params.entries()), seed: 1 };
  const ts = makeRunnable(planGraph(graph, { realBytes: 4 }), { dtype: "float32" });
  ts.run(bindings);
  const expected = new Map<Node, readonly number[]>();
  for (const root of graph.roots)
    if (root.role !== "update") expected.set(root.node, Array.from(ts.read(root.node)));
  return {
    name: net.text,
    graph,
    bindings,
    check(node, got) {
      const want = expected.get(node)!;
      let [distance, norm] = [0, 0];
      for (const [i, value] of want.entries()) {
        if (Object.is(value, got[i])) continue;
        distance += (got[i] - value) ** 2;
        norm += value ** 2;
      }
      if (Math.sqrt(distance) <= BOUND * Math.max(Math.sqrt(norm), LEAST_NORM)) return undefined;
      return `%${node.id} ${node.op} is ${Math.sqrt(distance)} off, of ${Math.sqrt(norm)}`;
    },
  };
}

describe.skipIf(!native)("drawn nets on the emulator", () => {
  const draw = (nets: fc.Arbitrary<DrawnNet>, count: number): DrawnNet[] =>
    fc.sample(nets, { numRuns: count, ...(process.env["CI"] ? { seed: 20261122 } : {}) });

  it("whole nets agree with ts", async () => {
    const faults = await emulateGraphs(native!.addon, draw(layeredNet, NETS).map(prepare));
    expect(faults).toEqual([]);
  }, 600_000);

  it("every layer type agrees with ts", async () => {
    const nets = differentiableTypes.flatMap((type) => draw(singleLayerNet(type), 3));
    const faults = await emulateGraphs(native!.addon, nets.map(prepare));
    expect(faults).toEqual([]);
  }, 600_000);
});
