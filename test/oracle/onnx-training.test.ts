/** LeNet's training step as an ONNX file, run by onnxruntime, beside Cortado's own training: MNIST itself. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createSolver, exportOnnx } from "../../src/index.js";
import { hasOnnxRuntime } from "../support/onnx.js";
import { hasMnist, mnistPath } from "../support/oracle.js";

const STEPS = 200;
const BATCH = 32;
const IMAGE = 28 * 28;
const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** LeNet of the example, with inputs in place of its data. */
const NET = `layer { name: "data" type: "Input" top: "data" top: "label" input_param {
  shape { dim: ${BATCH} dim: 1 dim: 28 dim: 28 } shape { dim: ${BATCH} } } }
${readFileSync(file("../../examples/lenet/train_test.prototxt"), "utf8").replace(
  /layer \{\s*name: "digits"[\s\S]*?\n\}\n/g,
  "",
)}`;

/** The same without edges, on which rounding decides: no rectifier, no maxima. */
const SMOOTH = NET.replaceAll('"ReLU"', '"TanH"').replaceAll("pool: MAX", "pool: AVE");

const SGD = 'base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "inv" gamma: 0.0001 power: 0.75';
const ADAM = 'type: "Adam" base_lr: 0.001 momentum: 0.9 momentum2: 0.999 lr_policy: "fixed"';

const CASES = [
  { name: "LeNet without edges, SGD", net: SMOOTH, settings: SGD },
  { name: "LeNet without edges, Adam", net: SMOOTH, settings: ADAM },
  { name: "LeNet, SGD", net: NET, settings: SGD },
] as const;

/** What losses of a smooth net may be apart. */
const BOUND = 1e-3;
/** How many times as far as two orders of our own sums (with Winograd's and without) those of a net with edges may be. */
const LEEWAY = 4;

function batches(): { readonly data: Float32Array; readonly label: Float32Array } {
  const read = (name: string, head: number): Uint8Array =>
    gunzipSync(readFileSync(mnistPath(name))).subarray(head);
  const images = read("train-images-idx3-ubyte.gz", 16).subarray(0, STEPS * BATCH * IMAGE);
  const labels = read("train-labels-idx1-ubyte.gz", 8).subarray(0, STEPS * BATCH);
  return { data: Float32Array.from(images, (pixel) => pixel / 256), label: Float32Array.from(labels) };
}

type Batches = ReturnType<typeof batches>;

/** Cortado's own training: its losses and rates, and the step as a file. */
async function train({ net, settings }: (typeof CASES)[number], { data, label }: Batches, winograd = true) {
  const losses: number[] = [];
  const rates: number[] = [];
  let step = 0;
  const text = `net: "lenet" max_iter: ${STEPS} random_seed: 3 display: 1 ${settings}`;
  const solver = await createSolver(text, {
    nets: { lenet: net },
    target: "wasm",
    passes: { winograd },
    inputs() {
      const [from, to] = [step++, step];
      return {
        data: data.slice(from * BATCH * IMAGE, to * BATCH * IMAGE),
        label: label.slice(from * BATCH, to * BATCH),
      };
    },
    onProgress({ loss, rate }) {
      losses.push(loss);
      rates.push(rate);
    },
  });
  const bytes = await exportOnnx(solver.net, { train: true, solver: settings });
  await solver.step(STEPS);
  await solver.close();
  return { losses, rates, bytes };
}

/** The losses of the file, run by onnxruntime. */
function runSteps(bytes: Uint8Array, { data, label }: Batches, scalars: object): readonly number[] {
  const folder = mkdtempSync(join(tmpdir(), "cortado-onnx-"));
  try {
    const write = (name: string, values: Float32Array): void =>
      writeFileSync(join(folder, name), new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    writeFileSync(join(folder, "step.onnx"), bytes);
    write("data", data);
    write("label", label);
    const inputs = { data: [[BATCH, 1, 28, 28], "data"], label: [[BATCH], "label"] };
    writeFileSync(
      join(folder, "steps.json"),
      JSON.stringify({ steps: STEPS, loss: "loss", inputs, scalars }),
    );
    const run = spawnSync("python3", [file("../support/train_onnx.py"), folder], { encoding: "utf8" });
    expect(run.stderr).toBe("");
    return JSON.parse(run.stdout) as readonly number[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const farthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((loss, i) => Math.abs(loss - b[i])));

describe.skipIf(!hasMnist() || !hasOnnxRuntime())("a training step by onnxruntime", () => {
  it.each(CASES)(
    "trains $name as Cortado does",
    async (one) => {
      const given = batches();
      const { losses, rates, bytes } = await train(one, given);
      const correction = rates.map((_rate, i) => Math.sqrt(1 - 0.999 ** (i + 1)) / (1 - 0.9 ** (i + 1)));
      const scalars = { rate: rates, ...(one.settings === ADAM && { correction }) };
      const theirs = runSteps(bytes, given, scalars);
      const apart = farthest(theirs, losses);
      const own = one.net === NET ? farthest((await train(one, given, false)).losses, losses) : 0;
      console.log(
        `${one.name}: loss ${losses[0]} to ${losses[STEPS - 1]} in ${STEPS} steps, at most ${apart} apart${own > 0 ? `; two orders of our own sums ${own}` : ""}`,
      );
      expect(losses[STEPS - 1]).toBeLessThan(losses[0] / 2);
      expect(apart).toBeLessThan(Math.max(BOUND, LEEWAY * own));
    },
    120_000,
  );
});
