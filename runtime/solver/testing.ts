import type { Blobs, RunningNet } from "../net-types.js";
import type { OutputValue, TestResult } from "./events.js";

/** The elements of a net's outputs, in its order. */
export function outputValues(
  net: Pick<RunningNet, "outputs" | "lossWeights">,
  blobs: Blobs,
): readonly OutputValue[] {
  let index = 0;
  return net.outputs.flatMap((blob) =>
    Array.from(blobs[blob] ?? [], (value): OutputValue => {
      return { blob, index: index++, value, lossWeight: lossWeightOf(net, blob) };
    }),
  );
}

export const weightedLoss = (outputs: readonly OutputValue[]): number =>
  outputs.reduce((sum, { value, lossWeight }) => (lossWeight === 0 ? sum : sum + lossWeight * value), 0);

const lossWeightOf = (net: Pick<RunningNet, "lossWeights">, blob: string): number =>
  Object.hasOwn(net.lossWeights, blob) ? net.lossWeights[blob] : 0;

/**
 * Runs a test net over its next batches and averages each element of its outputs. Undefined when `interrupted`
 * says so between two batches. Inputs are for nets without data layers.
 */
export async function runTest(
  net: Pick<RunningNet, "forward" | "outputs" | "lossWeights">,
  batches: number,
  interrupted: () => boolean | Promise<boolean> = () => false,
  inputs: (batch: number) => Promise<Blobs | undefined> = async () => undefined,
): Promise<Pick<TestResult, "loss" | "outputs"> | undefined> {
  let first: readonly OutputValue[] = [];
  let sums: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    if (await interrupted()) return undefined;
    const outputs = outputValues(net, await net.forward(await inputs(batch)));
    if (batch === 0) {
      first = outputs;
      sums = outputs.map(({ value }) => value);
    } else for (const [i, { value }] of outputs.entries()) sums[i] += value;
  }
  const outputs = first.map((output, i) => ({ ...output, value: sums[i] / batches }));
  return { loss: weightedLoss(outputs), outputs };
}
