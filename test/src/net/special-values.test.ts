/**
 * NaN, infinities and diverged nets, as Caffe's formulas have them where its CPU and GPU code agree: on every target.
 * What Caffe computed for such values layer by layer is compared beside the layers' cases (test/oracle/layers.test.ts).
 */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createSolver } from "../../../src/create-solver.js";
import { compile } from "../../../src/net/compile.js";
import { addonForTests } from "../../support/native.js";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/diverged/${name}/solver.prototxt`, import.meta.url));
const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
const floats = (...values: number[]): Float32Array => Float32Array.from(values);
const input = (name: string, ...dims: number[]): string =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims.map((dim) => `dim: ${dim}`).join(" ")} } } }`;

const MAPS = `
force_backward: true
${input("x", 1, 4)} ${input("zero", 1, 4)} ${input("plane", 1, 1, 2, 2)} ${input("few", 2, 3)}
layer { name: "relu" type: "ReLU" bottom: "x" top: "relu" }
layer { name: "leaky" type: "ReLU" bottom: "x" top: "leaky" relu_param { negative_slope: 0.5 } }
layer { name: "prelu" type: "PReLU" bottom: "x" top: "prelu" }
layer { name: "clip" type: "Clip" bottom: "x" top: "clip" clip_param { min: -0.5 max: 0.5 } }
layer { name: "max" type: "Eltwise" bottom: "x" bottom: "zero" top: "max" eltwise_param { operation: MAX } }
layer { name: "max2" type: "Eltwise" bottom: "zero" bottom: "x" top: "max2" eltwise_param { operation: MAX } }
layer { name: "pool" type: "Pooling" bottom: "plane" top: "pool" top: "mask" pooling_param { kernel_size: 2 } }
layer { name: "mean" type: "Pooling" bottom: "plane" top: "mean" pooling_param { pool: AVE kernel_size: 1 stride: 2 } }
layer { name: "best" type: "ArgMax" bottom: "few" top: "best" argmax_param { top_k: 2 } }
layer { name: "drop" type: "Dropout" bottom: "x" top: "drop" dropout_param { dropout_ratio: 0.5 } }
`;

/** Two rows, of which the first is ignored, or too far to count. */
const LOSSES = `
force_backward: true
${input("x", 2, 3)} ${input("y", 2, 3)} ${input("label", 2)} ${input("matrix", 3, 3)} ${input("alike", 2)} ${input("targets", 2, 3)}
layer { name: "softmax" type: "SoftmaxWithLoss" bottom: "x" bottom: "label" top: "softmax" loss_param { ignore_label: 255 } }
layer { name: "infogain" type: "InfogainLoss" bottom: "y" bottom: "label" bottom: "matrix" top: "infogain" loss_param { ignore_label: 255 } }
layer { name: "entropy" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "targets" top: "entropy" loss_param { ignore_label: -1 } }
layer { name: "pairs" type: "ContrastiveLoss" bottom: "y" bottom: "targets" bottom: "alike" top: "pairs" propagate_down: true propagate_down: false propagate_down: false }
layer { name: "right" type: "Accuracy" bottom: "x" bottom: "label" top: "right" accuracy_param { ignore_label: 255 } }
`;

const BEYOND = `
force_backward: true
${input("x", 1, 3)} ${input("l", 1)}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "l" top: "loss" }
layer { name: "log" type: "MultinomialLogisticLoss" bottom: "x" bottom: "l" top: "log" }
`;

const emulated = await addonForTests();

describe.each(["ts", "wasm", ...(emulated ? (["emulator"] as const) : [])] as const)(
  "values that are not ordinary, on %s",
  (target) => {
    it("go through element-wise layers, pooling and ArgMax", async () => {
      const net = await compile(MAPS, { target, phase: "TRAIN", keep: "all" });
      const zero = floats(0, 0, 0, 0);
      const of = async (x: Float32Array) =>
        net.forward({
          x,
          zero,
          plane: floats(nan, nan, -inf, nan),
          few: floats(-inf, -inf, 1, nan, nan, nan),
        });
      const y = await of(floats(nan, -inf, 1, -1));
      expect(y["relu"]).toEqual(floats(nan, nan, 1, 0));
      expect(y["leaky"]).toEqual(floats(nan, -inf, 1, -0.5));
      expect(y["prelu"]).toEqual(floats(nan, -inf, 1, -0.25));
      expect(y["clip"]).toEqual(floats(-0.5, -0.5, 0.5, -0.5));
      // a > b ? a : b
      expect(y["max"]).toEqual(floats(0, 0, 1, 0));
      expect(y["max2"]).toEqual(floats(nan, 0, 1, 0));
      expect([y["pool"], y["mask"]]).toEqual([floats(-3.4028234663852886e38), floats(-1)]);
      // A window behind the input is 0, and 0 / 0 in Caffe.
      expect(y["mean"]).toEqual(floats(nan, 0, 0, 0));
      expect(y["best"]).toEqual(floats(2, 1, 2, 1));

      const diffOf = async (top: string, ...seed: number[]): Promise<number[]> => {
        await net.backward(
          Object.fromEntries(
            ["relu", "leaky", "prelu", "clip", "max", "max2", "drop"].map((name) => [
              name,
              name === top ? floats(...seed) : zero,
            ]),
          ),
        );
        return [...(await net.readDiff("x"))].map((value) => value + 0);
      };
      // NaN has no slope, and a slope of 0 multiplies; what a maximum does not choose gets nothing.
      expect(await diffOf("leaky", 1, 1, 1, 1)).toEqual([0, 0.5, 1, 0.5]);
      expect(await diffOf("prelu", 1, 1, 1, 1)).toEqual([0, 0.25, 1, 0.25]);
      expect(await diffOf("clip", 1, 1, 1, nan)).toEqual([0, 0, 0, nan]);
      expect(await diffOf("relu", 1, 1, 1, inf)).toEqual([0, 0, 1, nan]);
      expect(await diffOf("max", nan, inf, 1, nan)).toEqual([0, 0, 1, 0]);
      const { drop } = await of(floats(nan, nan, nan, nan));
      expect(drop).toEqual(floats(nan, nan, nan, nan));
      await net.close();
    });

    it("where nothing counts they spoil nothing", async () => {
      const net = await compile(LOSSES, { target, phase: "TRAIN", keep: "all" });
      const ordinary = [1, 2, 3];
      const run = async (first: number) => {
        const losses = await net.forward({
          x: floats(first, 0, 0, ...ordinary),
          y: floats(first, 0, 0, ...ordinary),
          label: floats(255, 1),
          matrix: floats(1, 0.5, 0, 0, 1, 0.25, 0.5, 0, 1),
          alike: floats(0, 1),
          targets: floats(-1, -1, -1, 0, 1, 0),
        });
        await net.backward();
        return { losses, diffs: [await net.readDiff("x"), await net.readDiff("y")].map((diff) => [...diff]) };
      };
      const usual = await run(9);
      expect(usual.losses["softmax"][0]).toBeCloseTo(1.40760596, 6);
      for (const bad of [nan, inf, -inf]) {
        const got = await run(bad);
        for (const loss of ["softmax", "infogain", "entropy", "right"])
          expect(got.losses[loss], loss).toEqual(usual.losses[loss]);
        // Further than the margin is no loss; of NaN it is not known.
        expect(got.losses["pairs"]).toEqual(Number.isNaN(bad) ? floats(nan) : usual.losses["pairs"]);
        expect(got.diffs).toEqual(usual.diffs);
        for (const diff of got.diffs) expect(diff.slice(0, 3).map(Math.abs)).toEqual([0, 0, 0]);
      }
      await net.close();
    });

    it("bounds the loss of a probability that has underflowed, not its gradient", async () => {
      const net = await compile(BEYOND, { target, phase: "TRAIN" });
      for (const big of [1e2, 1e5, 1e7, 1e9, 1e10, 1e16, 1e17, 3e38]) {
        const { loss } = await net.forward({ x: floats(big, 0, 0), l: floats(1) });
        expect([big, loss[0]]).toEqual([big, Math.fround(87.33654475)]);
      }
      const { loss, log } = await net.forward({ x: floats(1, -inf, 0.5), l: floats(1) });
      expect([loss[0], log[0]]).toEqual([87.33654475, -Math.log(1e-20)].map(Math.fround));
      await net.close();
    });

    it("diverged trainings show Caffe's losses", async () => {
      for (const [name, wanted] of [
        ["large-scores", [1.09861, 78.6029, 52.4019, 34.9346, 69.8692, 61.1356, 78.6029, 69.8692]],
        ["nan-row", [1.09861, ...new Array<number>(7).fill(nan)]],
      ] as const) {
        const solver = await createSolver(fixture(name), { target });
        const losses: number[] = [];
        for (const _ of wanted) losses.push(Number((await solver.step(1)).loss?.toPrecision(6)));
        expect([name, losses]).toEqual([name, wanted]);
        await solver.close();
      }
    });

    it("debug: finite names what made the first of them", async () => {
      const solver = await createSolver(fixture("nan-row"), { target, debug: "finite" });
      await expect(solver.solve()).rejects.toThrow(/layer "d" \(HDF5Data\): top "data" is NaN/);
      await solver.close();
    });
  },
);
