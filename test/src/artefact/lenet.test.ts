/** LeNet, built for `ts`, in a process and in a browser that have nothing but the build: equal to the compiled net. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectWeights, parseSolver, readWeights } from "../../../src/index.js";
import { compile } from "../../../src/net/compile.js";
import { chromium } from "../../support/browser-page.js";
import { runCompiled } from "./compiled-run.js";
import { bits, build, inBrowser, inNode, removeFolders, standIn } from "./support.js";

const NET = "examples/lenet/train_test.prototxt";
const SOLVER = "examples/lenet/solver.prototxt";
const BATCH = 8;
const shapes = { data: [BATCH, 1, 28, 28], label: [BATCH] };
const STEPS = 5;
const data = (step: number): Float32Array => standIn(BATCH * 784, step);
const label = Float32Array.from({ length: BATCH }, (_, i) => (3 * i) % 10);

const SCENARIO = `
  const net = await load();
  const label = Float32Array.from({ length: ${BATCH} }, (_, i) => (3 * i) % 10);
  const batch = (step) => ({ data: standIn(${BATCH * 784}, step), label });
  const outputs = await net.forward(batch(0));
  const { params } = await net.backward();
  const conv1 = await net.read("conv1");
  const losses = [];
  for (let step = 0; step < ${STEPS}; step++) losses.push((await net.step(batch(step))).loss);
  const after = [];
  for (const layer of Object.values(net.params)) for (const param of layer) after.push(bits(await param.read()));
  return {
    loss: bits(outputs.loss),
    conv1: bits(conv1),
    gradients: Object.values(params).flat().map(bits),
    losses,
    after,
    iteration: net.iteration,
    saved: Array.from(await net.save()),
  };
`;

interface Result {
  readonly loss: readonly number[];
  readonly conv1: readonly number[];
  readonly gradients: readonly (readonly number[])[];
  readonly losses: readonly number[];
  readonly after: readonly (readonly number[])[];
  readonly iteration: number;
  readonly saved: readonly number[];
}

let built = "";
let expected: Omit<Result, "saved">;
beforeAll(async () => {
  built = await build(NET, { train: true, solver: SOLVER, shapes, keep: ["conv1"] });
  const { solver } = parseSolver(await readFile(SOLVER, "utf8"));
  const seed = solver.random_seed >= 0 ? solver.random_seed : undefined;
  const run = await runCompiled({
    net: NET,
    ...{ solver, kept: "conv1", steps: STEPS, options: { shapes, seed } },
    batch: (step) => ({ data: data(step), label }),
  });
  expected = { ...run, conv1: run["conv1"] as readonly number[], iteration: STEPS };
});
afterAll(removeFolders);

async function equal(result: unknown): Promise<void> {
  const { saved, ...rest } = result as Result;
  expect(rest).toEqual(expected);
  // What it saves is what it holds, and Cortado reads it.
  const { layers } = await readWeights(Uint8Array.from(saved));
  expect(layers.flatMap(({ blobs }) => blobs.map((blob) => bits(blob.data)))).toEqual(expected.after);
}

describe("LeNet built for ts", () => {
  it("runs and learns in a Node process from an empty folder, to the bit", async () => {
    await equal(await inNode(built, SCENARIO));
  });

  it.skipIf(chromium === undefined)("runs and learns in headless Chromium, to the bit", async () => {
    await equal(await inBrowser(built, SCENARIO));
  });

  it("carries the weights given, and deploys", async () => {
    const net = await compile("examples/lenet/deploy.prototxt", { seed: 5 });
    const weights = await collectWeights(net);
    const folder = await build("examples/lenet/deploy.prototxt", { weights });
    expect((await readWeights(join(folder, "weights.safetensors"))).layers).toEqual(weights.layers);
    const { prob } = await net.forward({ data: standIn(784) });
    await net.close();
    const result = await inNode(
      folder,
      `const { forward, backward, step } = await load();
       return [bits((await forward({ data: standIn(784) })).prob), typeof backward, typeof step];`,
    );
    expect(result).toEqual([bits(prob), "undefined", "undefined"]);
  });
});
