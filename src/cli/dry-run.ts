/** `cortado time --target cuda --dry-run`: what a net would be on a GPU, without one. */

import { showBytes, showCount } from "../../proto/words/amounts.js";
import { unquoted } from "../../proto/words/names.js";
import {
  analyse,
  cudaTarget,
  type KernelReport,
  type ProgramReport,
  reportProgram,
  shortNumber,
} from "../tools.js";
import { type ModelOptions, passesOf } from "./command-options.js";
import { EXIT } from "./faults.js";
import type { Io } from "./io.js";
import { readModel } from "./read-model.js";
import { type Column, json, table } from "./text.js";

export interface DryRunOptions extends ModelOptions {
  readonly phase: "TRAIN" | "TEST";
  readonly arch?: string;
  readonly withoutPass?: readonly string[];
}

const DEFAULT_ARCHITECTURE = "sm_90";

/** Compiles a net's kernels with NVRTC and prints what they take; in phase TRAIN those of backward too. */
export async function dryRun(file: string, options: DryRunOptions, io: Io): Promise<number> {
  const { phase, arch = DEFAULT_ARCHITECTURE } = options;
  const { definition, state, root, layers } = await readModel(file, options, io);
  const { program } = await analyse(definition, {
    ...state,
    root,
    layers,
    shapes: options.shape,
    target: cudaTarget,
    architecture: arch,
    passes: passesOf(options),
  });
  const report = await reportProgram(program, arch);
  if (options.json) io.stdout.write(`${json({ model: file, phase, ...report }, 2)}\n`);
  else for (const line of reportLines(report, { file, phase })) io.stdout.write(`${line}\n`);
  return EXIT.done;
}

const COLUMNS: readonly Column[] = [
  { title: "kernel" },
  { title: "launches", align: "right" },
  { title: "blocks×threads", align: "right" },
  { title: "regs", align: "right" },
  { title: "spill B", align: "right" },
  { title: "shared B", align: "right" },
  { title: "occupancy", align: "right" },
  { title: "MFLOP", align: "right" },
  { title: "MB", align: "right" },
  { title: "≥ µs", align: "right" },
  { title: "bound by" },
  { title: "layers" },
];

const fixed = (value: number, digits = 1): string => value.toFixed(digits);

function cells(kernel: KernelReport): readonly string[] {
  const { resources: r, launches, prediction } = kernel;
  return [
    kernel.symbol.replace(/_kernel$/, ""),
    String(launches.forward + launches.backward),
    `${kernel.blocks}×${kernel.threads}`,
    r ? String(r.registers) : "?",
    r ? String(r.spillStores + r.spillLoads) : "?",
    r ? String(r.sharedBytes) : "?",
    kernel.occupancy ? `${Math.round(100 * kernel.occupancy.occupancy)} %` : "?",
    fixed(kernel.flops / 1e6, 2),
    fixed(kernel.bytes / 1e6, 2),
    fixed(prediction.seconds * 1e6),
    prediction.bound,
    shortList(kernel.layers),
  ];
}

const MOST_LAYERS = 3;

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, MOST_LAYERS).map((name) => unquoted(name, 24));
  return [...shown, ...(names.length > shown.length ? [`and ${names.length - shown.length} more`] : [])].join(
    ", ",
  );
}

function reportLines(
  report: ProgramReport,
  { file, phase }: { readonly file: string; readonly phase: string },
): readonly string[] {
  const { gpu, kernels, launches, predicted, flops } = report;
  const total = launches.forward + launches.backward;
  const microseconds = (seconds: number): string =>
    `${shortNumber(Number((seconds * 1e6).toPrecision(4)))} µs`;
  const passes = (["forward", "backward"] as const).filter((pass) => launches[pass] > 0);
  return [
    `${unquoted(file)}, phase ${phase}, for ${gpu.architecture}, compiled by NVRTC ${report.nvrtc} in ${Math.round(report.compileMilliseconds)} ms`,
    `${showCount(kernels.length, "kernel")}, ${total} launches (${launches.forward} forward, ${launches.backward} backward) for ${showCount(report.layers, "layer")}; arena ${showBytes(report.arenaBytes)}`,
    "",
    ...table(COLUMNS, kernels.map(cells)),
    "",
    `Predicted, not measured: at best (roofline of ${gpu.multiprocessors} multiprocessors at ${gpu.gigahertz} GHz, ${shortNumber(gpu.bytesPerSecond / 1e9)} GB/s)`,
    ...passes.map(
      (pass) =>
        `  ${pass.padEnd(8)}  ${microseconds(predicted[pass])} for ${fixed(flops[pass] / 1e9, 3)} GFLOP`,
    ),
  ];
}
