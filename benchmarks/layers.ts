/**
 * Where the time of a net goes: each layer and each kernel with its rate of operations and bytes, and their share of what
 * the machine can do, the longest first.
 *
 *   npm run bench -- layers [--net googlenet | FILE.prototxt] [--pass forward|step] [--threads 1] [--target ts]
 *                           [--rounds 10] [--lines 40]
 *
 * `forward` is inference (phase TEST), `step` forward and backward in phase TRAIN. A time is the median of the rounds.
 */
import { DEVICES } from "../runtime/devices/index.js";
import { compile } from "../src/index.js";
import { internalsOf } from "../src/net/internals.js";
import { standInValues, unfedInputs } from "../src/net/stand-in-inputs.js";
import { forwardBackward, runnerOf } from "./forward-backward.js";
import { kernelWork, layerWork, type MeasuredPass, workTable } from "./layer-report.js";
import { formatSpeed, measureMachine } from "./machine/machine-speed.js";
import { showMilliseconds } from "./markdown-table.js";
import { machine, median } from "./measure.js";
import { BENCHMARK_NETS, type BenchmarkNetName } from "./nets/benchmark-nets.js";
import { countOf, readOptions, wordsOf } from "./options.js";
import { PASSES } from "./peers/task.js";

const given = readOptions({
  net: "googlenet",
  pass: "step",
  threads: "1",
  target: "ts",
  rounds: "10",
  lines: "40",
});
const [pass] = wordsOf(given.pass, PASSES, "--pass");
const [target] = wordsOf(
  given.target,
  DEVICES.map(({ name }) => name),
  "--target",
);
const threads = countOf(given.threads, "--threads");
const rounds = countOf(given.rounds, "--rounds");
const most = countOf(given.lines, "--lines");
const known = Object.hasOwn(BENCHMARK_NETS, given.net)
  ? BENCHMARK_NETS[given.net as BenchmarkNetName]
  : undefined;

/** So many passes are not measured: JavaScript's engine has then compiled the loops. */
const WARM_UP = 2;

const [speed] = (await measureMachine([threads])) ?? [];
const phase = pass === "forward" ? "TEST" : "TRAIN";
const net = await compile(known ? known.text() : given.net, { phase, target, threads });
const internals = internalsOf(net);
if (!internals) throw new Error("a compiled net has no internals");
const inputs = standInValues(internals.lowered, unfedInputs(internals.lowered));
const passes = pass === "forward" ? (["forward"] as const) : (["forward", "backward"] as const);
const samples: Record<"forward" | "backward", (readonly number[])[]> = { forward: [], backward: [] };
const totals: number[] = [];
for (let round = -WARM_UP; round < rounds; round++) {
  const start = performance.now();
  if (pass === "forward") await net.forward(inputs);
  else await forwardBackward(net, inputs);
  if (round >= 0) totals.push(performance.now() - start);
  const { executor } = runnerOf(net).built;
  for (const one of passes) {
    await executor.profile?.(one);
    if (round >= 0) samples[one].push(executor.times(one));
  }
}
const { program, plan } = runnerOf(net).built;
const measured = passes.map((one): MeasuredPass => {
  const launches = program[one];
  return {
    pass: one,
    steps: plan.steps,
    launches,
    kernels: program.kernels,
    milliseconds: launches.map((_, i) => median(samples[one].map((times) => times[i] ?? 0))),
  };
});
const kernels = measured.flatMap(({ milliseconds }) => milliseconds).reduce((sum, one) => sum + one, 0);
const title = known ? `${known.title}, batch ${known.batch}` : given.net;
console.log(`# ${title}: ${pass} on ${target}, ${threads} thread${threads > 1 ? "s" : ""}

${machine()}; ${rounds} rounds, medians.
${speed ? formatSpeed(speed) : "The machine was not measured: there is neither a C++ compiler nor numpy."}

The whole ${pass}: ${showMilliseconds(median(totals))} ms, of which kernels ${showMilliseconds(kernels)} ms. Bytes are those of each kernel's operands,
which caches may hold: above 100% of memory they did. The floor is what the peak or the memory would take, whichever is longer.

## Layers

${workTable(measured.flatMap(layerWork), speed, { first: "layer", most })}

## Kernels

${workTable(measured.flatMap(kernelWork), speed, { first: "kernel", most })}
`);
await net.close();
