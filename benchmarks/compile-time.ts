/**
 * How long `compile` takes: LeNet, AlexNet, chains of 250 to 2,000 convolution and ReLU layers, and nets of 585,
 * 1,169 and 2,337 layers of mixed types, forward and with backward, in ms, with the time per layer, which stays
 * level if compiling is linear in layers. Then `cortado check` on files: the time per file.
 *
 *   npm run bench -- compile-time
 *   CORTADO_CHECK_FILES="a.prototxt b.prototxt" npm run bench -- compile-time
 */
import { readFile } from "node:fs/promises";
import { checkFile } from "../src/check/check-file.js";
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

/**
 * A net of exactly so many layers: the data, then blocks of eight, each a residual branch (Convolution, BatchNorm,
 * Scale, ReLU, Eltwise) beside a Pooling that Concat puts behind it, and a Convolution that brings both back to the
 * block's channels. What is left over are ReLUs; `trained`: the last layer is a loss.
 */
function mixed(layers: number, trained = false): string {
  const conv = (name: string, bottom: string, kernel: string): string =>
    `layer { name: "${name}" type: "Convolution" bottom: "${bottom}" top: "${name}" convolution_param { num_output: 4 ${kernel} bias_term: false weight_filler { type: "xavier" } } }`;
  const lines = [
    'layer { name: "data" type: "Input" top: "x0" input_param { shape { dim: 1 dim: 4 dim: 6 dim: 6 } } }',
  ];
  let x = "x0";
  const last = trained ? layers - 1 : layers;
  for (let i = 0; lines.length + 8 <= last; i++) {
    lines.push(
      conv(`conv${i}`, x, "kernel_size: 3 pad: 1"),
      `layer { name: "bn${i}" type: "BatchNorm" bottom: "conv${i}" top: "conv${i}" }`,
      `layer { name: "scale${i}" type: "Scale" bottom: "conv${i}" top: "conv${i}" scale_param { bias_term: true } }`,
      `layer { name: "relu${i}" type: "ReLU" bottom: "conv${i}" top: "conv${i}" }`,
      `layer { name: "sum${i}" type: "Eltwise" bottom: "${x}" bottom: "conv${i}" top: "sum${i}" }`,
      `layer { name: "pool${i}" type: "Pooling" bottom: "sum${i}" top: "pool${i}" pooling_param { kernel_size: 3 stride: 1 pad: 1 } }`,
      `layer { name: "both${i}" type: "Concat" bottom: "sum${i}" bottom: "pool${i}" top: "both${i}" }`,
      conv(`out${i}`, `both${i}`, "kernel_size: 1"),
    );
    x = `out${i}`;
  }
  while (lines.length < last)
    lines.push(`layer { name: "last${lines.length}" type: "ReLU" bottom: "${x}" top: "${x}" }`);
  if (trained)
    lines.push(`layer { name: "loss" type: "EuclideanLoss" bottom: "${x}" bottom: "x0" top: "loss" }`);
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
for (const layers of [585, 1169, 2337]) {
  report(`${layers} mixed layers, forward`, await timeCompile(mixed(layers), "TEST"), layers);
  report(`${layers} mixed layers, with backward`, await timeCompile(mixed(layers, true), "TRAIN"), layers);
}

const files = (process.env["CORTADO_CHECK_FILES"] ?? "").split(/\s+/).filter((file) => file !== "");
if (files.length > 0) {
  const times: { readonly file: string; readonly ms: number }[] = [];
  for (const file of files) {
    const start = performance.now();
    await checkFile(file, {});
    times.push({ file, ms: performance.now() - start });
  }
  const ms = times.map((time) => time.ms);
  const slowest = times.reduce((a, b) => (b.ms > a.ms ? b : a));
  console.log(
    `check, ${files.length} files, both phases: ${ms.reduce((a, b) => a + b, 0).toFixed(0)} ms, median ${median(ms).toFixed(1)} ms a file, slowest ${slowest.ms.toFixed(0)} ms (${slowest.file})`,
  );
}
