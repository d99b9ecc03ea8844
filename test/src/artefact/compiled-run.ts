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
  return { loss: bits(loss), [kept]: bits(value), gradients, losses, after, iteration: steps };
}

/**
 * The body of a scenario that does the same with a built net: its result has what it saves, too.
 *
 * @param label an expression
 * @param elements of a batch of data
 * @param options of `load`
 */
export const learningScenario = ({
  label,
  elements,
  kept,
  steps,
  options = "",
}: Pick<CompiledRun, "kept" | "steps"> & {
  readonly label: string;
  readonly elements: number;
  readonly options?: string;
}): string => `
  const net = await load(${options});
  const label = ${label};
  const batch = (step) => ({ data: standIn(${elements}, step), label });
  const outputs = await net.forward(batch(0));
  const { params } = await net.backward();
  const kept = await net.read("${kept}");
  const losses = [];
  for (let step = 0; step < ${steps}; step++) losses.push((await net.step(batch(step))).loss);
  const after = [];
  for (const layer of Object.values(net.params)) for (const param of layer) after.push(bits(await param.read()));
  const saved = Array.from(await net.save());
  await net.close();
  await net.close();
  return {
    loss: bits(outputs.loss), ${kept}: bits(kept), gradients: Object.values(params).flat().map(bits),
    losses, after, iteration: net.iteration, saved,
  };
`;
