/**
 * Cortado beside the frameworks that this machine has: the same net, weights, input, batch and threads, in interleaved
 * rounds; a page of tables and a chart.
 *
 *   npm run bench -- peers [--nets lenet,caffenet,googlenet,resnet50] [--threads 1,2]
 *                          [--targets ts] [--passes forward,step] [--rounds 5] [--peers PyTorch,onnxruntime] [--out FILE.md]
 *
 * Python's frameworks are looked for in `python3`, or in the interpreter that PEERS_PYTHON names; Caffe in that of
 * CAFFE_PYTHON.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { DEVICES } from "../runtime/devices/index.js";
import { measureMachine } from "./machine/machine-speed.js";
import { machine } from "./measure.js";
import { BENCHMARK_NETS, type BenchmarkNetName } from "./nets/benchmark-nets.js";
import { countOf, countsOf, readOptions, wordsOf } from "./options.js";
import { drawChart } from "./peers/bar-chart.js";
import { compete, prepareNet } from "./peers/competition.js";
import { findPeers } from "./peers/find-peers.js";
import { peerChart } from "./peers/peer-chart.js";
import { type Bout, formatPeerReport, type PeerReport } from "./peers/peer-report.js";
import { PASSES } from "./peers/task.js";
import { projectFile } from "./project-files.js";

const NET_NAMES = Object.keys(BENCHMARK_NETS) as BenchmarkNetName[];
/** Those that work here, on the processor as the peers. */
const usable = await Promise.all(
  DEVICES.filter(({ name, offered }) => offered && name !== "cuda").map(async (device) => {
    const { works } = await device.availability();
    return works ? [device.name] : [];
  }),
);
const DEFAULT_TARGETS = usable.flat().reverse();

const given = readOptions({
  nets: NET_NAMES.join(","),
  threads: "1,2",
  targets: DEFAULT_TARGETS.join(","),
  passes: PASSES.join(","),
  rounds: "5",
  peers: undefined as string | undefined,
  out: undefined as string | undefined,
});
const nets = wordsOf(given.nets, NET_NAMES, "--nets");
const threads = countsOf(given.threads, "--threads");
const targets = wordsOf(
  given.targets,
  DEVICES.map(({ name }) => name),
  "--targets",
);
const passes = wordsOf(given.passes, PASSES, "--passes");
const rounds = countOf(given.rounds, "--rounds");
const out = given.out ?? projectFile(`benchmarks/results/${new Date().toISOString().slice(0, 10)}-peers.md`);
const chart = `${out.slice(0, out.length - extname(out).length)}.svg`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const found = await findPeers(targets);
for (const line of found.missing) say(line);
const wanted = given.peers?.split(",");
const competitors = found.competitors.filter(
  ({ framework }) => framework === "Cortado" || !wanted || wanted.includes(framework),
);

// Where another process has a core, two threads that wait for each other take many times as long: in every round.
const before = `load average before the run ${loadavg()[0].toFixed(1)}`;
say("the machine …");
const speeds = await measureMachine(threads);
const bouts: Bout[] = [];
const report = (): PeerReport => ({
  machine: `${machine()}; ${before}`,
  command: `npm run bench -- ${process.argv.slice(2).join(" ")}`,
  rounds,
  speeds,
  competitors,
  missing: found.missing,
  bouts,
});
const folder = await mkdtemp(join(tmpdir(), "cortado-peers-"));
try {
  for (const name of nets) {
    const net = BENCHMARK_NETS[name];
    const files = await prepareNet(net, join(folder, name));
    for (const count of threads) {
      // Of tfjs' backends the one that can train has one thread, and with it LeNet alone is within reach.
      const able = competitors.filter(
        ({ framework }) => framework !== "tfjs" || (name === "lenet" && count === 1),
      );
      say(`${net.title}, ${count} thread${count > 1 ? "s" : ""}`);
      const results = await compete(able, files, { threads: count, passes, rounds, folder, say });
      const flops = { forward: files.nets.forward.flops.forward, step: files.nets.step.flops.step };
      bouts.push({ net: net.title, batch: net.batch, threads: count, flops, results });
      // What there is, in case the next net is too much for the machine.
      await writeFile(out, formatPeerReport(report(), basename(chart)));
      await writeFile(chart, drawChart(peerChart(report())));
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(formatPeerReport(report(), basename(chart)));
say(`written: ${out}, ${chart}`);
