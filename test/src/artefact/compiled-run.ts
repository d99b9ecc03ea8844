/** What a compiled net gives, for what was built of it to be compared with. */
import { learningRate } from "../../../runtime/solver/policy.js";
import type { parseSolver } from "../../../src/index.js";
import { compile, compileTraining } from "../../../src/net/compile.js";
import { bits } from "./support.js";

interface CompiledRun {
  readonly net: string;
  readonly solver: ReturnType<typeof parseSolver>["solver"];
  readonly options: Pick<NonNullable<Parameters<typeof compile>[1]>, "target" | "shapes" | "seed">;
  /** A blob that is read after the first batch. */
  readonly kept: string;
  readonly steps: number;
  batch(step: number): { readonly data: Float32Array; readonly label: Float32Array };
}

/** Forward and backward on the first batch; then, from the beginning, some steps of training. */
export async function runCompiled({ net: text, solver, options, kept, steps, batch }: CompiledRun) {
  const net = await compile(text, { ...options, phase: "TRAIN", keep: [kept] });
  const { loss } = await net.forward(batch(0));
  const { params } = await net.backward();
  const value = await net.read(kept);
  await net.close();
  const training = await compileTraining(text, solver, options);
  const losses: number[] = [];
  for (let step = 0, currentStep = 0; step < steps; step++) {
    const rate = learningRate(solver, step, currentStep);
    currentStep = rate.currentStep;
    losses.push((await training.step({ rate: rate.rate }, batch(step))).loss);
  }
  const after: (readonly number[])[] = [];
  for (const param of Object.values(training.params).flat()) after.push(bits(await param.read()));
  await training.close();
  const gradients = Object.values(params).flat().map(bits);
  return { loss: bits(loss), [kept]: bits(value), gradients, losses, after };
}
