/**
 * Whole iterations of LeNet's solver, data and update included, beside the same with one batch that lies ready: the share of
 * the time that data takes. Images are noise, in gzipped idx files as MNIST's are.
 *
 *   npm run bench -- training [--target native] [--threads 1,2] [--iterations 300] [--rounds 5]
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DEVICES } from "../runtime/devices/index.js";
import { createSolver } from "../src/index.js";
import { table } from "./markdown-table.js";
import { interleave, machine, median, testValues } from "./measure.js";
import { BENCHMARK_NETS } from "./nets/benchmark-nets.js";
import { countOf, countsOf, readOptions, wordsOf } from "./options.js";

const given = readOptions({ target: "native", threads: "1,2", iterations: "300", rounds: "5" });
const [target] = wordsOf(
  given.target,
  DEVICES.map(({ name }) => name),
  "--target",
);
const threads = countsOf(given.threads, "--threads");
const iterations = countOf(given.iterations, "--iterations");
const rounds = countOf(given.rounds, "--rounds");

const { batch, image, classes, text } = BENCHMARK_NETS.lenet;
const IMAGES = 10_000;

/** A file of bytes as MNIST's: a type, the extents, the values. */
function idx(extents: readonly number[], values: (count: number) => Iterable<number>): Buffer {
  const head = Buffer.alloc(4 + 4 * extents.length);
  head.set([0, 0, 8, extents.length]);
  for (const [i, extent] of extents.entries()) head.writeUInt32BE(extent, 4 + 4 * i);
  const count = extents.reduce((product, extent) => product * extent, 1);
  return gzipSync(Buffer.concat([head, Uint8Array.from(values(count))]));
}

const [, height, width] = image;
const labels = (count: number): number[] => Array.from({ length: count }, (_, i) => i % classes);
const bytes = (count: number): Float32Array => testValues(count, 1).map((x) => Math.floor((x + 1) * 128));

/** The net without its inputs; a data layer stands for both. */
const DATA = `layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.00390625 }
  data_param { source: "images-idx3-ubyte.gz" batch_size: ${batch} } }`;
const withData = text().replace(/^layer .* type: "Input" .*$/gm, (line) =>
  line.includes('"label"') ? "" : DATA,
);
const SOLVER = `base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005 lr_policy: "inv" gamma: 0.0001 power: 0.75
random_seed: 1701 display: 0 snapshot: 0 snapshot_after_train: false max_iter: 1000000000`;

const folder = await mkdtemp(join(tmpdir(), "cortado-training-"));
const rows: (readonly string[])[] = [];
try {
  await writeFile(join(folder, "images-idx3-ubyte.gz"), idx([IMAGES, height, width], bytes));
  await writeFile(join(folder, "labels-idx1-ubyte.gz"), idx([IMAGES], labels));
  await writeFile(join(folder, "data.prototxt"), withData);
  await writeFile(join(folder, "ready.prototxt"), text());
  const inputs = {
    data: testValues(batch * height * width, 2),
    label: Float32Array.from(labels(batch)),
  };
  for (const count of threads) {
    const options = { root: folder, target, threads: count };
    const reading = await createSolver(`net: "data.prototxt" ${SOLVER}`, options);
    const ready = await createSolver(`net: "ready.prototxt" ${SOLVER}`, { ...options, inputs });
    const measured = await interleave(
      [reading, ready].map(({ step }, i) => ({
        name: ["data", "ready"][i],
        run: async () => void (await step(iterations)),
      })),
      { warmup: 1, rounds },
    );
    const [all, alone] = measured.map(({ samples }) => median(samples));
    const perSecond = (milliseconds: number): string => ((1000 * iterations) / milliseconds).toFixed(1);
    const share = `${Math.max(0, 100 * (1 - alone / all)).toFixed(1)}%`;
    rows.push([String(count), perSecond(all), perSecond(alone), share]);
    await Promise.all([reading.close(), ready.close()]);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`LeNet, batch ${batch}, on ${target}: iterations a second, medians of ${rounds} rounds of ${iterations}. ${machine()}

${table(["threads", "whole iterations", "with a batch that lies ready", "share that data takes"], rows)}
`);
