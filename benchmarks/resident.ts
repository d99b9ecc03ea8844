/**
 * What a training step takes of the machine's memory: the most that a process was resident with, and what it had before the
 * net was made, beside the plan's own figure and beside PyTorch's modes. Linux tells (`/proc`).
 *
 *   npm run bench -- resident [--nets caffenet,resnet50] [--threads 1] [--targets native] [--peers PyTorch]
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceName } from "../runtime/devices/index.js";
import { DEVICES } from "../runtime/devices/index.js";
import { compile } from "../src/index.js";
import { forwardBackward, runnerOf } from "./forward-backward.js";
import { table } from "./markdown-table.js";
import { machine } from "./measure.js";
import { BENCHMARK_NETS, type BenchmarkNetName } from "./nets/benchmark-nets.js";
import { countOf, readOptions, wordsOf } from "./options.js";
import { type NetFiles, prepareNet, startCompetitor } from "./peers/competition.js";
import { type Competitor, findPeers } from "./peers/find-peers.js";
import { readInput } from "./peers/serve.js";

const MIB = 2 ** 20;
const FLOAT = 4;

const given = readOptions({
  nets: "caffenet,resnet50",
  threads: "1",
  targets: "native",
  peers: undefined as string | undefined,
});
const nets = wordsOf(given.nets, Object.keys(BENCHMARK_NETS) as BenchmarkNetName[], "--nets");
const threads = countOf(given.threads, "--threads");
const targets = wordsOf(
  given.targets,
  DEVICES.map(({ name }) => name),
  "--targets",
);
const found = await findPeers(targets);
for (const line of found.missing) console.error(line);
const wanted = given.peers?.split(",");
const competitors = found.competitors.filter(
  ({ framework, passes }) =>
    passes.includes("step") &&
    framework !== "tfjs" &&
    (framework === "Cortado" || !wanted || wanted.includes(framework)),
);

/** What the process holds now, and the most that it has held, in bytes. */
async function resident(pid: number): Promise<{ readonly now: number; readonly most: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const of = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  return { now: of("VmRSS"), most: of("VmHWM") };
}

/** Before the net is made, and the most while it is made and runs. */
async function measure(
  competitor: Competitor,
  files: NetFiles,
  folder: string,
): Promise<{ readonly before: number; readonly most: number }> {
  const peer = await startCompetitor(competitor, files, { threads, folder });
  try {
    const before = await resident(peer.pid);
    await peer.time({ do: "warm", pass: "step" });
    return { before: before.now, most: (await resident(peer.pid)).most };
  } finally {
    await peer.close();
  }
}

/** Bytes that the plan of a step says: parameters, and the arena with what steps hand on in it. */
async function planned(
  files: NetFiles,
  target: DeviceName,
): Promise<{ readonly parameters: number; readonly arena: number }> {
  const net = await compile(await readFile(files.prototxt, "utf8"), { phase: "TRAIN", target, threads });
  try {
    const inputs = await Promise.all(
      net.inputs.map(async (name) => [name, await readInput(files.inputs[name])] as const),
    );
    await forwardBackward(net, Object.fromEntries(inputs));
    const elements = Object.values(net.params)
      .flat()
      .reduce((sum, { shape }) => sum + shape.reduce((all, extent) => all * extent, 1), 0);
    return { parameters: FLOAT * elements, arena: runnerOf(net).built.program.arenaBytes };
  } finally {
    await net.close();
  }
}

const show = (bytes: number): string => Math.round(bytes / MIB).toLocaleString("en-US");
const folder = await mkdtemp(join(tmpdir(), "cortado-resident-"));
const rows: (readonly string[])[] = [];
try {
  for (const name of nets) {
    const { title, batch } = BENCHMARK_NETS[name];
    const files = await prepareNet(BENCHMARK_NETS[name], join(folder, name));
    for (const competitor of competitors) {
      console.error(`${title}, ${competitor.title} …`);
      const { before, most } = await measure(competitor, files, folder).catch((reason: unknown) => {
        console.error(`  ${String(reason)}`);
        return { before: Number.NaN, most: Number.NaN };
      });
      const plan =
        competitor.framework === "Cortado" ? await planned(files, competitor.mode as DeviceName) : undefined;
      rows.push([
        `${title}, ${batch}`,
        competitor.title,
        ...[before, most, most - before].map(show),
        ...(plan ? [plan.parameters, plan.arena].map(show) : ["", ""]),
        plan ? `${((100 * (most - before)) / (plan.parameters + plan.arena)).toFixed(0)}%` : "",
      ]);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(
  `${machine()}; ${threads === 1 ? "1 thread" : `${threads} threads`}; MiB of a training step, forward and backward\n`,
);
console.log(
  table(
    [
      "net, batch",
      "",
      "before",
      "at most",
      "the net's",
      "parameters",
      "arena",
      "the net's, of what was planned",
    ],
    rows,
  ),
);
