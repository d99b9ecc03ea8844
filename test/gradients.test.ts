/**
 * Gradients without Caffe: every layer type that has one, alone and in whole nets, against central differences in
 * float64. A failure prints the smallest net that fast-check finds. CORTADO_GRADIENT_RUNS: nets of each kind.
 */

import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { add, arg, constant, mul, unary } from "../codegen/ir/scalar.js";
import { planGraph } from "../codegen/plan/index.js";
import { checkGradients, type GradientReport } from "../src/check-gradients.js";
import { formatGradientReport } from "../src/formats.js";
import { compileForCheck } from "../src/gradcheck/check-random-net.js";
import { forwardAt, RANDOM_STEP, RELATIVE_BOUND } from "../src/gradcheck/directional.js";
import { layeredNet as makeLayered } from "../src/gradcheck/make-nets.js";
import { searchNets } from "../src/gradcheck/search.js";
import { defineLayer, inputName, type LayerType, STEP } from "../src/layers/index.js";
import { compile } from "../src/net/compile.js";
import { internalsOf } from "../src/net/internals.js";
import { diffName, objectiveGraph } from "../src/net/objective.js";
import { optimise } from "./support/pipeline.js";
import { differentiableTypes, layeredNet } from "./support/random-net.js";
import { makeRunnable, readableRoots } from "./support/run.js";

const RUNS = Number(process.env["CORTADO_GRADIENT_RUNS"] ?? 100);
/** Under CI the one that all properties have there; elsewhere another every time, and a failure tells its own. */
const SEED = fc.readConfigureGlobal().seed ?? Math.floor(Math.random() * 2 ** 31);
/** Nets whose function is not smooth within the step say nothing; of more than these the check would be hollow. */
const MOST_KINKS = 0.02;
const LONG = 3_600_000;

let checks = 0;
let discarded = 0;
let worst = { error: 0, where: "" };

/** A report without failures, few of whose points are at a kink. */
function expectRight(where: string, report: GradientReport, runs: number): void {
  expect(report.failures.length, formatGradientReport(report)).toBe(0);
  expect(report.checked).toBe(runs);
  expect(report.kinks).toBeLessThanOrEqual(Math.ceil(MOST_KINKS * runs));
  if (report.worst > worst.error) worst = { error: report.worst, where };
  checks += report.checked;
  discarded += report.kinks;
}

describe("backward is the derivative of forward", () => {
  it.each(differentiableTypes.map((type) => [type.type, type] as const))(
    "%s",
    { timeout: LONG },
    async (name, type) => expectRight(name, await checkGradients(type, { runs: RUNS, seed: SEED }), RUNS),
  );

  it("nets of several layers", { timeout: LONG }, async () => {
    const runs = 2 * RUNS;
    expectRight("nets", await searchNets(makeLayered, { runs, seed: SEED }), runs);
  });

  afterAll(() => {
    console.log(
      `gradients: ${checks} nets equal to ${RELATIVE_BOUND}, worst relative error ${worst.error.toExponential(1)} (${worst.where}), ${discarded} at a kink`,
    );
  });
});

describe("the check finds a wrong gradient", () => {
  /** y = x · sigmoid(x), one factor of which is a constant to the derivative. */
  const halfStopped: LayerType = defineLayer({
    type: "HalfStopped",
    summary: "A product whose derivative forgets one factor.",
    bottoms: { exact: 1 },
    tops: { exact: 1 },
    lower: ({ builder, bottoms: [x] }) => [
      builder.map(mul(arg(0), unary("sigmoid", arg(1))), [x, builder.stop(x)], x.shape),
    ],
  });
  /** y = x + x² / 10⁵, the second term without a derivative. */
  const slightlyStopped: LayerType = defineLayer({
    type: "SlightlyStopped",
    summary: "A sum whose derivative forgets a small term.",
    bottoms: { exact: 1 },
    tops: { exact: 1 },
    lower: ({ builder, bottoms: [x] }) => [
      builder.map(add(arg(0), mul(constant(1e-5), mul(arg(1), arg(1)))), [x, builder.stop(x)], x.shape),
    ],
  });

  it.each([halfStopped, slightlyStopped])("$type", async (type) => {
    const { failures, checked } = await checkGradients(type, { runs: 50 });
    expect(failures).toHaveLength(1);
    expect(checked).toBeGreaterThan(0);
    const [{ prototxt, seed, backward, differences, error }] = failures;
    expect(error).toBeGreaterThan(RELATIVE_BOUND);
    expect(backward).not.toBe(differences);
    // A net, shrunk: a few values.
    expect(prototxt).toMatch(/type: "Input"[\s\S]*dim: [1-3]\n/);
    // The seed repeats it, by the text alone.
    const again = await checkGradients(prototxt, { seed, runs: 1, layers: [type] });
    expect(again.failures).toContainEqual(
      expect.objectContaining({ seed, along: "everything", backward, differences, error }),
    );
  });
});

describe("the same net computed otherwise", () => {
  it("through compile, forward and backward", { timeout: LONG }, async () => {
    await fc.assert(
      fc.asyncProperty(layeredNet, async (randomNet) => {
        const checked = await compileForCheck(randomNet);
        const { runner, lowered, values, seeds } = checked;
        await forwardAt(checked);
        for (const [blob, seed] of seeds) await runner.write(diffName(blob), seed);
        await runner.backward();

        const net = await compile(randomNet.text, { phase: "TRAIN", dtype: "float64", seed: 1 });
        const { params, running } = internalsOf(net)!;
        for (const [i, memory] of params.memories.entries()) await memory.write(values.params[i]);
        const outputs = await running.forward(Object.fromEntries(values.inputs));
        const gradients = await running.backward(Object.fromEntries(seeds));
        const single = (x: ArrayLike<number>): readonly number[] => Array.from(Float32Array.from(x));
        for (const [blob, y] of Object.entries(outputs))
          expect(single(y)).toEqual(single((await runner.read("value", blob))!));
        for (const blob of lowered.wanted.inputs) {
          const diff = await runner.read("diff", blob);
          expect(single(gradients.inputs[blob])).toEqual(
            single(diff ?? new Float64Array(gradients.inputs[blob].length)),
          );
        }
        for (const layer of lowered.layers)
          for (const [i, { index }] of layer.params.entries()) {
            const gradient = await runner.read("gradient", index);
            const ours = gradients.params[layer.name][i];
            expect(single(ours)).toEqual(single(gradient ?? new Float64Array(ours.length)));
          }
        await net.close();
      }),
      { numRuns: Math.ceil(RUNS / 4) },
    );
  });

  it("float32 is near float64", { timeout: LONG }, async () => {
    await fc.assert(
      fc.asyncProperty(layeredNet, async (net) => {
        const [single, double] = await Promise.all(
          (["float32", "float64"] as const).map((dtype) => compileForCheck(net, { dtype })),
        );
        await forwardAt(single);
        await forwardAt(double);
        for (const blob of double.lowered.outputs) {
          const ours = (await single.runner.read("value", blob))!;
          const exact = (await double.runner.read("value", blob))!;
          const size = Math.hypot(...exact);
          fc.pre(Number.isFinite(size) && size < 1e6);
          expect(Math.hypot(...exact.map((x, i) => x - ours[i]))).toBeLessThanOrEqual(
            1e-4 * Math.max(size, 1e-2),
          );
        }
      }),
      { numRuns: RUNS },
    );
  });

  // What is fused is not rounded to float32 on its way from one layer to the next, so fusion is compared in float64.
  it.each([
    ["fused and step by step", "float64", { fuse: false, alias: false }],
    ["in place and apart", "float32", { alias: false }],
  ] as const)("%s give the same bits", { timeout: LONG }, async (_, dtype, options) => {
    const realBytes = dtype === "float32" ? 4 : 8;
    await fc.assert(
      fc.asyncProperty(layeredNet, async (net) => {
        const { lowered, values, seeds } = await compileForCheck(net, { dtype });
        const graph = optimise(
          objectiveGraph(lowered, { backward: true, seeds: [...seeds.keys()], keep: [] }),
          lowered.builder,
          { verify: true },
        );
        const bindings = {
          inputs: new Map([
            ...[...values.inputs].map(([blob, x]) => [inputName(blob), x] as const),
            ...[...seeds].map(([blob, x]) => [diffName(blob), x] as const),
            [STEP, Float64Array.of(RANDOM_STEP)] as const,
          ]),
          params: new Map(values.params.entries()),
        };
        const [usual, plain] = [{}, options].map((planOptions) => {
          const runnable = makeRunnable(planGraph(graph, { realBytes, ...planOptions }), { dtype });
          runnable.run(bindings);
          return readableRoots(graph.roots).map(({ node }) => Array.from(runnable.read(node)));
        });
        expect(usual).toEqual(plain);
      }),
      { numRuns: RUNS },
    );
  });
});
