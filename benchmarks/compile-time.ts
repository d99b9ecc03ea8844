/**
 * How long `compile` takes: LeNet, AlexNet, and chains of 250, 500 and 1,000 convolution + ReLU pairs, in ms,
 * with the time per layer, which stays level if compiling is linear in layers.
 *
 *   npm run bench -- compile-time
 */
import { readFile } from "node:fs/promises";
import { compile } from "../src/index.js";
import { machine, median } from "./measure.js";

const ROUNDS = 5;

function chain(layers: number): string {
  const lines = [
    'layer { name: "data" type: "Input" top: "x0" input_param { shape { dim: 1 dim: 4 dim: 6 dim: 6 } } }',
  ];
  for (let i = 0; i < layers / 2; i++) {
    lines.push(
      `layer { name: "conv${i}" type: "Convolution" bottom: "x${i}" top: "x${i + 1}" convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }`,
      `layer { name: "relu${i}" type: "ReLU" bottom: "x${i + 1}" top: "x${i + 1}" }`,
    );
  }
  return `force_backward: true\n${lines.join("\n")}`;
}

async function timeCompile(text: string, phase: "TRAIN" | "TEST"): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i <= ROUNDS; i++) {
    const start = performance.now();
    const net = await compile(text, { target: "ts", phase });
    // The first is the process's own start: loading the transpiler.
    if (i > 0) samples.push(performance.now() - start);
    await net.close();
  }
  return median(samples);
}

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const report = (name: string, ms: number, layers: number): void =>
  console.log(
    `${name.padEnd(34)} ${ms.toFixed(0).padStart(6)} ms  ${(ms / layers).toFixed(2).padStart(6)} ms a layer`,
  );

console.log(`compile(), target ts, median of ${ROUNDS}. ${machine()}`);
report("LeNet deploy, forward", await timeCompile(await read("examples/lenet/deploy.prototxt"), "TEST"), 9);
report(
  "LeNet train, forward + backward",
  await timeCompile(await read("examples/lenet/train_test.prototxt"), "TRAIN"),
  9,
);
report(
  "AlexNet deploy, forward",
  await timeCompile(await read("benchmarks/nets/alexnet_deploy.prototxt"), "TEST"),
  24,
);
report(
  "AlexNet train, forward + backward",
  await timeCompile(await read("benchmarks/nets/alexnet_train.prototxt"), "TRAIN"),
  24,
);
for (const layers of [250, 500, 1000, 2000])
  report(`chain of ${layers} layers, forward`, await timeCompile(chain(layers), "TEST"), layers);
