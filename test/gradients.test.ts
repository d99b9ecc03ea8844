/**
 * Gradients without Caffe: every layer type that has one, alone and in whole nets, against central differences in
 * float64. A failure prints the smallest net that fast-check finds. CORTADO_GRADIENT_RUNS: nets of each kind on `ts`; on
 * `native` a hundredth of that.
 */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RealType } from "../codegen/ir/real.js";
import { add, arg, constant, mul, unary } from "../codegen/ir/scalar.js";
import type { Program } from "../codegen/kernel/kernel.js";
import { planGraph } from "../codegen/plan/index.js";
import type { Addon } from "../native/addon.js";
import type { Device } from "../runtime/device.js";
import { createWasmDevice } from "../runtime/devices/wasm/wasm-device.js";
import { checkGradients } from "../src/check-gradients.js";
import { formatGradientReport } from "../src/formats.js";
import { compileForCheck, requestForCheck } from "../src/gradcheck/check-random-net.js";
import { forwardAt, RANDOM_STEP, RELATIVE_BOUND } from "../src/gradcheck/directional.js";
import { layeredNet as makeLayered, singleLayerNet as makeSingle } from "../src/gradcheck/make-nets.js";
import type { MakeNet } from "../src/gradcheck/random-net.js";
import { searchNets } from "../src/gradcheck/search.js";
import { defineLayer, inputName, type LayerType, STEP } from "../src/layers/index.js";
import { compile } from "../src/net/compile.js";
import { internalsOf } from "../src/net/internals.js";
import { diffName, objectiveGraph } from "../src/net/objective.js";
import { makeRequested } from "../src/net/programs.js";
import { addonForTests } from "./support/native.js";
import { nativeBatch } from "./support/native-batch.js";
import { optimise } from "./support/pipeline.js";
import { differentiableTypes, layeredNet, netsOf } from "./support/random-net.js";
import { makeRunnable, readableRoots } from "./support/run.js";

const native = await addonForTests();
const RUNS = Number(process.env["CORTADO_GRADIENT_RUNS"] ?? 60);
/** Where backward is checked, on how many nets of each kind: of each net on native there are kernels to compile. */
const TARGETS = [
  ["ts", { runs: RUNS, here: true }],
  ["native", { runs: Math.ceil(RUNS / 100), here: native !== undefined }],
] as const;
/** Under CI the one that all properties have there; elsewhere another every time, and a failure tells its own. */
const SEED = fc.readConfigureGlobal().seed ?? Math.floor(Math.random() * 2 ** 31);
/** Nets whose function is not smooth within the step say nothing; of more than these the check would be hollow. */
const MOST_KINKS = 0.02;
const LONG = 3_600_000;

/** Every layer type alone, and whole nets, of which there are more. */
const KINDS: readonly (readonly [name: string, make: MakeNet, times: number])[] = [
  ...differentiableTypes.map((type) => [type.type, makeSingle(type), 1] as const),
  ["nets of several layers", makeLayered, 2],
];

/** As many programs of random nets are compiled for native at once. */
const TOGETHER = 1000;

/** Native, with the kernels of the nets that will be drawn: `runs` of those that each `make` makes. */
async function preparedNative(
  addon: Addon,
  dtype: RealType,
  draws: readonly (readonly [make: MakeNet, runs: number])[],
): Promise<Device> {
  const { device, compile: compileAll } = nativeBatch(addon, dtype);
  let programs: Program[] = [];
  for (const [make, runs] of draws)
    for (const net of fc.sample(netsOf(make), { numRuns: runs, seed: SEED })) {
      const { request, lowered } = requestForCheck(net, device, { dtype });
      programs.push(makeRequested(request, lowered.builder).program);
      if (programs.length < TOGETHER) continue;
      await compileAll(programs);
      programs = [];
    }
  await compileAll(programs);
  return device;
}

describe.each(TARGETS)("gradients on %s", (target, { runs: each, here }) => {
  let checks = 0;
  let discarded = 0;
  let worst = { error: 0, where: "" };

  describe.skipIf(!here)("backward is the derivative of forward", () => {
    let device: Device | undefined;
    beforeAll(async () => {
      const draws = KINDS.map(([, make, times]) => [make, each * times] as const);
      if (target === "native") device = await preparedNative(native!.addon, "float64", draws);
    }, LONG);

    it.each(KINDS)("%s", { timeout: LONG }, async (name, make, times) => {
      const runs = each * times;
      const report = await searchNets(make, { runs, seed: SEED, device });
      expect(report.failures.length, formatGradientReport(report)).toBe(0);
      expect(report.checked).toBe(runs);
      expect(report.kinks).toBeLessThanOrEqual(Math.ceil(MOST_KINKS * runs));
      if (report.worst > worst.error) worst = { error: report.worst, where: name };
      checks += report.checked;
      discarded += report.kinks;
    });

    afterAll(() => {
      console.log(
        `gradients on ${target}: ${checks} nets equal to ${RELATIVE_BOUND}, worst relative error ${worst.error.toExponential(1)} (${worst.where}), ${discarded} at a kink`,
      );
    });
  });
});

/** What float32 is on each target: on how many nets, and what runs them. */
const SINGLES: readonly {
  readonly target: string;
  readonly runs: number;
  readonly here: boolean;
  readonly open: (runs: number) => Device | undefined | Promise<Device>;
}[] = [
  { target: "ts", runs: RUNS, here: true, open: () => undefined },
  { target: "wasm", runs: Math.ceil(RUNS / 3), here: true, open: () => createWasmDevice() },
  {
    target: "native",
    runs: 10 * Math.ceil(RUNS / 100),
    here: native !== undefined,
    open: (runs) => preparedNative(native!.addon, "float32", [[makeLayered, runs]]),
  },
];

describe.each(SINGLES)("float32 on $target", ({ runs, here, open }) => {
  it.skipIf(!here)("is near what ts computes in float64", { timeout: LONG }, async () => {
    const device = await open(runs);
    await fc.assert(
      fc.asyncProperty(layeredNet, async (net) => {
        const single = await compileForCheck(net, { dtype: "float32", device });
        const double = await compileForCheck(net, { dtype: "float64" });
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
      { numRuns: runs, seed: SEED },
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
