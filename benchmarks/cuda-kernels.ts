/**
 * What nets become on a GPU that is not there: kernels compiled by NVRTC, with their registers, spills, shared memory
 * and theoretical occupancy, the time to compile cold and warm, and the least time that the roofline model predicts.
 *
 *   npm run bench -- cuda-kernels
 *
 * The nets are the oracle's ($CORTADO_ORACLE, by default ../shared/oracle), forward and backward from diffs on the
 * outputs, and LeNet's and AlexNet's training passes. CORTADO_ARCHITECTURES: default sm_80,sm_90,sm_120.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cudaTarget } from "../codegen/targets/index.js";
import { createDiagnostics } from "../proto/errors/index.js";
import { type LoweredNet, lowerNet } from "../src/layers/index.js";
import { type ProgramReport, reportProgram } from "../src/net/kernel-report.js";
import { hasGradient, type Objective } from "../src/net/objective.js";
import { netProgram } from "../src/net/programs.js";
import { parseNet, selectLayers, wireNet } from "../src/net-text/index.js";
import { machine, median } from "./measure.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ARCHITECTURES = (process.env["CORTADO_ARCHITECTURES"] ?? "sm_80,sm_90,sm_120").split(",");

interface Net {
  readonly name: string;
  readonly path: string;
  readonly phase: "TRAIN" | "TEST";
}

const oracle = join(resolve(ROOT, process.env["CORTADO_ORACLE"] ?? "../shared/oracle"), "nets");
const nets: readonly Net[] = [
  { name: "LeNet 64, training", path: join(ROOT, "examples/lenet/train_test.prototxt"), phase: "TRAIN" },
  {
    name: "AlexNet 10, training",
    path: join(ROOT, "benchmarks/nets/alexnet_train.prototxt"),
    phase: "TRAIN",
  },
  ...(existsSync(oracle)
    ? readdirSync(oracle).map(
        (name): Net => ({ name, path: join(oracle, name, "net.prototxt"), phase: "TEST" }),
      )
    : []),
];

function objectiveOf({ path, phase }: Net): { readonly lowered: LoweredNet; readonly objective: Objective } {
  const definition = selectLayers(parseNet(readFileSync(path, "utf8"), { name: path }), { phase });
  const diagnostics = createDiagnostics();
  // Data layers here say their shapes themselves, or are the built-in digits.
  const feedShapes = new Map(
    definition.net.layer
      .filter(({ type }) => type === "Data")
      .map((layer) => {
        const batch = layer.data_param?.batch_size ?? 1;
        return [layer, [[batch, 1, 28, 28], [batch]]] as const;
      }),
  );
  const wiring = wireNet(definition, diagnostics);
  const lowered = lowerNet(definition, wiring, { phase, feedShapes, diagnostics });
  if (!lowered) throw new Error(`${path} does not compile`);
  const seeds = phase === "TEST" ? lowered.outputs : [];
  // A net that ends in Silence has no outputs: then every blob is kept.
  const keep = lowered.outputs.length === 0 ? [...lowered.blobs.keys()] : [];
  const backward = seeds.length > 0 || hasGradient(lowered);
  return { lowered, objective: { backward, seeds, keep } };
}

function row(name: string, report: ProgramReport, warm: ProgramReport): string {
  const { gpu, kernels, launches, layers, predicted, flops } = report;
  const known = kernels.flatMap(({ resources, occupancy, symbol }) =>
    resources && occupancy ? [{ symbol, ...resources, occupancy: occupancy.occupancy }] : [],
  );
  const spilled = (pattern: RegExp): number =>
    known
      .filter(({ symbol }) => pattern.test(symbol))
      .reduce((sum, { spillLoads, spillStores }) => sum + spillLoads + spillStores, 0);
  const occupancies = known.map(({ occupancy }) => occupancy);
  const milliseconds = (seconds: number): string => (1e3 * seconds).toPrecision(3);
  return `| ${[
    name,
    gpu.architecture,
    kernels.length,
    `${launches.forward} + ${launches.backward}`,
    layers,
    Math.max(...known.map(({ registers }) => registers)),
    `${spilled(/^(matmul|conv)/)} / ${spilled(/./)}`,
    Math.max(...known.map(({ sharedBytes }) => sharedBytes)),
    `${Math.round(100 * Math.min(...occupancies))} / ${Math.round(100 * median(occupancies))}`,
    Math.round(report.compileMilliseconds),
    Math.round(warm.compileMilliseconds),
    ((flops.forward + flops.backward) / 1e9).toPrecision(3),
    `${milliseconds(predicted.forward)} + ${milliseconds(predicted.backward)}`,
  ].join(" | ")} |`;
}

const HEAD = [
  "net",
  "arch",
  "kernels",
  "launches fwd + bwd",
  "layers",
  "most registers",
  "spilled bytes, products / all",
  "most shared bytes",
  "occupancy %, least / median",
  "compile cold ms",
  "warm ms",
  "GFLOP",
  "predicted ms, fwd + bwd",
];

const cache = mkdtempSync(join(tmpdir(), "cortado-bench-"));
process.env["CORTADO_CACHE"] = cache;
try {
  console.log(`${machine()}\n\nPredictions are the roofline model's least times, not measurements.\n`);
  console.log(`| ${HEAD.join(" | ")} |\n|${HEAD.map(() => "---").join("|")}|`);
  for (const net of nets) {
    const { lowered, objective } = objectiveOf(net);
    for (const architecture of ARCHITECTURES) {
      const description = cudaTarget.describe(architecture);
      const program = netProgram(lowered, objective, {
        target: cudaTarget,
        description,
        dtype: "float32",
        seed: 1,
      });
      const cold = await reportProgram(program, architecture);
      console.log(row(net.name, cold, await reportProgram(program, architecture)));
    }
  }
} finally {
  rmSync(cache, { recursive: true, force: true });
}
