/**
 * Planned memory of one training step (forward, backward, SGD update), parameters and history aside: the arena against
 * the same values without sharing, and against what Caffe allocates for them: data of every blob, diff of every
 * blob that backward writes, and the diff of every parameter.
 *
 *   npm run bench -- memory
 */
import { readFile } from "node:fs/promises";
import { parseSolver } from "../src/index.js";
import { compileTraining } from "../src/net/compile.js";

const MIB = 2 ** 20;
const FLOAT = 4;
const count = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

const { solver } = parseSolver('base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed"');

for (const [name, path] of [
  ["LeNet, batch 64", "examples/lenet/train_test.prototxt"],
  ["AlexNet, batch 10", "benchmarks/nets/alexnet_train.prototxt"],
] as const) {
  const text = await readFile(new URL(`../../${path}`, import.meta.url), "utf8");
  const net = await compileTraining(text, solver, { target: "ts" });
  const written = new Set(
    net.layers.filter(({ needsBackward }) => needsBackward).flatMap(({ tops }) => tops),
  );
  let blobs = 0;
  for (const [blob, { shape }] of Object.entries(net.blobs))
    blobs += count(shape) * (written.has(blob) ? 2 : 1);
  const params = Object.values(net.params)
    .flat()
    .reduce((sum, { shape }) => sum + count(shape), 0);
  const caffe = (blobs + params) * FLOAT;
  const { arenaBytes, unsharedBytes } = net.plan;
  const show = (bytes: number): string => `${(bytes / MIB).toFixed(2)} MiB`.padStart(12);
  console.log(`${name}, one training step`);
  console.log(`  planned arena              ${show(arenaBytes)}`);
  console.log(
    `  the same without sharing   ${show(unsharedBytes)}  (${((100 * arenaBytes) / unsharedBytes).toFixed(0)}%)`,
  );
  console.log(`  Caffe's data and diff      ${show(caffe)}  (${((100 * arenaBytes) / caffe).toFixed(0)}%)`);
  await net.close();
}
