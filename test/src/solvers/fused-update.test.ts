/** Updates that kernels of gradients carry out: a step is the gradient, and then the update, as Caffe has them. */
import { describe, expect, it } from "vitest";
import { nativeTarget } from "../../../codegen/targets/index.js";
import { parseSolver } from "../../../src/index.js";
import { compile, compileTraining } from "../../../src/net/compile.js";
import { trainingPrograms } from "../../../src/net/programs.js";
import { relativeError } from "../../support/case.js";
import { lowerText } from "../../support/lowered.js";
import { addonForTests } from "../../support/native.js";
import { applyUpdate } from "./reference.js";

const native = await addonForTests();

const net = (kernel: number): string => `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 32 dim: 18 dim: 19 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param { num_output: 40 kernel_size: ${kernel} pad: ${kernel >> 1} weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "loss" type: "Reduction" bottom: "conv" top: "loss" loss_weight: 1 reduction_param { operation: SUMSQ } }`;
const STEPS = 3;
const RATE = 1e-6;
const RULES = [
  [3, 'type: "SGD" momentum: 0.9 weight_decay: 0.5'],
  [5, 'type: "Nesterov" momentum: 0.9 weight_decay: 0.5 regularization_type: "L1"'],
] as const;
const dataOf = (step: number): Float32Array =>
  Float32Array.from({ length: 3 * 32 * 18 * 19 }, (_, i) => Math.sin(i * (0.37 + step)) + Math.cos(i * i));

/** Of each kernel of a step that adds up a gradient in tiles: to how many parameters and states it writes. */
function writtenInTiles(text: string, solver: ReturnType<typeof parseSolver>["solver"]): readonly number[] {
  const options = { target: nativeTarget, dtype: "float32", seed: 1 } as const;
  const lowered = lowerText(text, { phase: "TRAIN" });
  const { program } = trainingPrograms(lowered, { keep: [] }, solver, options).step;
  return program.backward.flatMap((launch) => {
    const { note, buffers } = program.kernels[launch.kernel];
    if (!/^convFilter.*in tiles$/.test(note)) return [];
    return launch.args.filter((at, i) => at.storage === "param" && buffers[i].access !== "read").length;
  });
}

describe.skipIf(!native)("an update in the kernel of Winograd's gradient", () => {
  it.each(RULES)("is the gradient, then the update: %d × … %s", async (kernel, rule) => {
    const text = net(kernel);
    const { solver } = parseSolver(`base_lr: ${RATE} lr_policy: "fixed" ${rule}`);
    const written = writtenInTiles(text, solver);
    expect(written.length).toBeGreaterThan(0);
    expect(new Set(written)).toEqual(new Set([2]));

    const trained = await compileTraining(text, solver, { target: "native", seed: 3 });
    const plain = await compile(text, { target: "native", phase: "TRAIN", seed: 3 });
    const [weight, bias] = plain.params["conv"];
    const params = await Promise.all(
      [weight, bias].map(async (param, i) => ({
        param,
        weight: Float64Array.from(await param.read()),
        history: [Float64Array.from(await param.read()).fill(0)],
        lrMult: [1, 2][i],
        decayMult: [1, 0][i],
      })),
    );
    const before = params[0].weight.slice();
    for (let step = 0; step < STEPS; step++) {
      await trained.step({ rate: RATE }, { data: dataOf(step) });
      await plain.forward({ data: dataOf(step) });
      const gradients = (await plain.backward()).params["conv"];
      const given = params.map((one, i) => ({ ...one, gradient: Float64Array.from(gradients[i]) }));
      applyUpdate(given, solver, RATE, step);
      for (const { param, weight: moved } of params) await param.write(Float32Array.from(moved));
    }
    for (const [i, { weight: wanted, history }] of params.entries()) {
      const from = i === 0 ? before : new Float64Array(wanted.length);
      const moved = (x: ArrayLike<number>) => Float64Array.from(x).map((value, at) => value - from[at]);
      const got = await trained.params["conv"][i].read();
      // Of the way that it has gone, so that a step too many or too few is more than rounding.
      expect(relativeError(moved(got), moved(wanted))).toBeLessThan(1e-4);
      expect(relativeError(await trained.history[i].read(), history[0])).toBeLessThan(1e-5);
    }
    await Promise.all([trained.close(), plain.close()]);
  });
});
