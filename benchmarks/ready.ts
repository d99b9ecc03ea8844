/**
 * How long it takes until a net has computed something: from the start of a process to its first result, cold (nothing compiled
 * is kept) and warm (a process before compiled the same). Modules are put together as the package
 * has them, and weights come from a file.
 *
 *   npm run bench -- ready [--nets lenet,resnet50] [--target native] [--passes forward,step] [--rounds 3]
 *
 * `forward` is inference (phase TEST), `step` forward and backward in phase TRAIN. Times are medians of the rounds.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DEVICES } from "../runtime/devices/index.js";
import { writeWeights } from "../runtime/weights/index.js";
import { collectWeights, compile } from "../src/index.js";
import { showMilliseconds, table } from "./markdown-table.js";
import { machine, median } from "./measure.js";
import { BENCHMARK_NETS, type BenchmarkNetName } from "./nets/benchmark-nets.js";
import { countOf, readOptions, wordsOf } from "./options.js";
import { PASSES } from "./peers/task.js";
import { projectFile } from "./project-files.js";
import type { ReadyTimes } from "./ready/ready-times.js";

const given = readOptions({
  nets: "lenet,resnet50",
  target: "native",
  passes: PASSES.join(","),
  rounds: "3",
});
const nets = wordsOf(given.nets, Object.keys(BENCHMARK_NETS) as BenchmarkNetName[], "--nets");
const passes = wordsOf(given.passes, PASSES, "--passes");
const [target] = wordsOf(
  given.target,
  DEVICES.map(({ name }) => name),
  "--target",
);
const rounds = countOf(given.rounds, "--rounds");

const execute = promisify(execFile);
const COMPILED = fileURLToPath(new URL("../", import.meta.url));
const PROCESS = join(COMPILED, "bundle", "ready-process.js");
await execute(process.execPath, [
  projectFile("src/bundle.mjs"),
  COMPILED,
  "benchmarks/ready/ready-process.js",
]);

async function timesOf(
  net: string,
  pass: string,
  { weights, cache }: { readonly weights: string; readonly cache: string },
): Promise<ReadyTimes> {
  const { stdout } = await execute(process.execPath, [PROCESS, net, pass, target, weights], {
    env: { ...process.env, CORTADO_CACHE: cache },
  });
  return JSON.parse(stdout) as ReadyTimes;
}

function rowOf(words: readonly string[], times: readonly ReadyTimes[]): readonly string[] {
  const of = (part: (one: ReadyTimes) => number): string => showMilliseconds(median(times.map(part)));
  return [
    ...words,
    String(times[0].kernels),
    of(({ first }) => first),
    of(({ loaded }) => loaded),
    of(({ loaded, compiled }) => compiled - loaded),
    of(({ compiled, first }) => first - compiled),
  ];
}

const rows: (readonly string[])[] = [];
const folder = await mkdtemp(join(tmpdir(), "cortado-ready-"));
try {
  for (const net of nets) {
    const { title, batch, text } = BENCHMARK_NETS[net];
    const weights = join(folder, "weights.caffemodel");
    const filled = await compile(text(), { phase: "TRAIN", target: "ts" });
    await writeWeights(weights, await collectWeights(filled));
    await filled.close();
    for (const pass of passes) {
      const cold: ReadyTimes[] = [];
      const warm: ReadyTimes[] = [];
      for (let round = 0; round < rounds; round++) {
        const cache = await mkdtemp(join(folder, "cache-"));
        cold.push(await timesOf(net, pass, { weights, cache }));
        warm.push(await timesOf(net, pass, { weights, cache }));
      }
      const name = `${title}, batch ${batch}`;
      rows.push(rowOf([name, pass, "cold"], cold), rowOf([name, pass, "warm"], warm));
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`From the start of a process to its first result on ${target}, in ms: medians of ${rounds}. ${machine()}

${table(["net", "pass", "", "kernels", "all", "node and modules", "compile", "first pass"], rows)}
`);
