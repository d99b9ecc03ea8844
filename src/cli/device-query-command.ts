import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { CortadoError } from "../../proto/errors/index.js";
import { grouped, showBytes, showCount } from "../../proto/words/amounts.js";
import { unquoted, visible } from "../../proto/words/names.js";
import { messageOf } from "../../proto/words/trouble.js";
import {
  cacheFolder,
  checkCacheFolder,
  compilerMissing,
  type DeviceProperties,
  findCompiler,
  type Looked,
  openAddon,
  searchDriver,
  searchNvrtc,
} from "../tools.js";
import { type End, jsonOption } from "./command-options.js";
import { EXIT } from "./faults.js";
import { type Io, type Paint, painter } from "./io.js";
import { text } from "./option-values.js";
import { json } from "./text.js";

/** `cortado device_query`: what there is to compile with and to run on, and why the rest is missing. */
export function addDeviceQuery(program: Command, io: Io, end: End): void {
  program
    .command("device_query")
    .summary("show GPUs, driver, NVRTC, compiler and cache, or why there are none")
    .description(
      "Shows what the targets cuda, native and emulator find on this machine: GPUs and their driver, NVRTC, which " +
        "compiles kernels for them, the C++ compiler of the other two, and the folder where compiled kernels are kept.",
    )
    .addOption(
      new Option("--gpu <ids>", "accepted for caffe's sake: all are shown").argParser(text).hideHelp(),
    )
    .addOption(jsonOption("one JSON document on stdout"))
    .action(async (options: { readonly json?: true }) => {
      const facts = await lookAround();
      const lines = options.json ? [json(facts, 2)] : factLines(facts, painter(io.stdout, io.env));
      io.stdout.write(`${lines.join("\n")}\n`);
      end(EXIT.done);
    });
}

/** Why something is not there. */
interface Missing {
  readonly why: string;
  readonly hint?: string;
  /** Where it was looked for. */
  readonly looked?: readonly Looked[];
}

interface Device extends DeviceProperties {
  readonly id: number;
}

interface Facts {
  readonly driver:
    | Missing
    | { readonly path: string; readonly cuda: string; readonly devices: readonly Device[] };
  readonly nvrtc:
    | Missing
    | { readonly path: string; readonly version: string; readonly architectures: readonly string[] };
  readonly addon: Missing | { readonly path: string };
  readonly compiler: Missing | { readonly path: string; readonly version: string };
  readonly cache: Missing | { readonly folder: string; readonly entries: number; readonly bytes: number };
}

async function lookAround(): Promise<Facts> {
  const addon = openAddon();
  const driver = searchDriver();
  const nvrtc = await searchNvrtc();
  const compiler = await findCompiler();
  return {
    driver: driver.found
      ? {
          path: driver.found.path,
          cuda: driver.found.version.join("."),
          devices: driver.found.devices.map((device, id) => ({ id, ...device })),
        }
      : { why: driver.why, ...(driver.hint !== undefined && { hint: driver.hint }) },
    nvrtc: nvrtc.found
      ? {
          path: nvrtc.found.path,
          version: nvrtc.found.version.join("."),
          architectures: nvrtc.found.architectures.map((capability) => `sm_${capability}`),
        }
      : {
          why: nvrtc.fault ?? "it was not found",
          hint: '"pip install nvidia-cuda-nvrtc" brings it; CORTADO_NVRTC names a file or a folder',
          looked: nvrtc.looked,
        },
    addon: addon.addon ? { path: addon.path } : { why: addon.why },
    compiler: compiler
      ? { path: compiler.path, version: compiler.version.split("\n")[0] }
      : compilerMissing(),
    cache: await lookAtCache(),
  };
}

/** Only looks: a folder that is not there is not made. */
async function lookAtCache(): Promise<Facts["cache"]> {
  const folder = cacheFolder();
  if (folder === undefined) return { why: "there is no home folder", hint: "set CORTADO_CACHE to a folder" };
  try {
    await lstat(folder);
  } catch {
    return { folder, entries: 0, bytes: 0 };
  }
  try {
    await checkCacheFolder(folder);
    const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
    // One that another process has just replaced counts nothing.
    const sizes = await Promise.all(
      files.map(({ name }) =>
        stat(join(folder, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    return { folder, entries: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  } catch (error) {
    if (error instanceof CortadoError) {
      const [{ message, hint }] = error.diagnostics;
      return { why: message, hint };
    }
    return { why: messageOf(error) };
  }
}

function factLines(facts: Facts, paint: Paint): readonly string[] {
  const part = <T extends object>(
    title: string,
    fact: Missing | T,
    show: (found: T) => readonly string[],
  ): string[] => [
    paint(title, "bold"),
    ...("why" in fact ? missingLines(fact, paint) : show(fact)).map((line) => `  ${line}`),
  ];
  const { driver, nvrtc, addon, compiler, cache } = facts;
  return [
    ...("why" in driver
      ? part("GPUs and driver", driver, () => [])
      : [
          ...part("GPUs", driver, ({ devices }) =>
            devices.length === 0 ? ["none that the driver shows"] : devices.flatMap(deviceLines),
          ),
          ...part("Driver", driver, ({ path, cuda }) => [`knows CUDA ${cuda}  (${unquoted(path, 400)})`]),
        ]),
    ...part("NVRTC", nvrtc, ({ path, version, architectures }) => [
      `${version}  (${unquoted(path, 400)})`,
      `compiles for ${architectures.join(", ")}`,
    ]),
    ...part("Addon", addon, ({ path }) => [unquoted(path, 400)]),
    ...part("C++ compiler (native, emulator)", compiler, ({ path, version }) => [
      `${unquoted(version, 200)}  (${unquoted(path, 400)})`,
    ]),
    ...part("Cache", cache, (found) => [
      `${unquoted(found.folder, 400)}: ${showCount(found.entries, "file")}, ${showBytes(found.bytes)}`,
    ]),
  ];
}

const missingLines = ({ why, hint, looked = [] }: Missing, paint: Paint): readonly string[] => [
  `none: ${visible(why)}`,
  ...(hint === undefined ? [] : [paint(visible(hint), "dim")]),
  ...looked.map((one) => paint(`  ${unquoted(one.place, 200)}: ${visible(one.why)}`, "dim")),
];

function deviceLines(device: Device): readonly string[] {
  const facts: readonly (readonly [string, string])[] = [
    ["compute capability", `${device.major}.${device.minor}`],
    ["global memory", showBytes(device.memory)],
    ["multiprocessors", String(device.multiprocessors)],
    ["clock", `${(device.clockKilohertz / 1e6).toFixed(2)} GHz`],
    [
      "memory bus",
      `${device.memoryBusBits} bits at ${(device.memoryClockKilohertz / 1e6).toFixed(2)} GHz (${bandwidth(device)} at double rate)`,
    ],
    ["L2 cache", showBytes(device.l2Bytes)],
    ["shared memory of a block", showBytes(device.sharedPerBlock)],
    ["shared memory of a multiprocessor", showBytes(device.sharedPerMultiprocessor)],
    ["registers of a multiprocessor", grouped(device.registersPerMultiprocessor)],
    ["threads of a multiprocessor", grouped(device.threadsPerMultiprocessor)],
  ];
  return [
    `${device.id}: ${unquoted(device.name, 100)}`,
    ...facts.map(([name, value]) => `   ${name.padEnd(34)}${value}`),
  ];
}

/** Both edges of the clock carry data. */
const bandwidth = ({ memoryBusBits, memoryClockKilohertz }: DeviceProperties): string =>
  `${((2 * (memoryBusBits / 8) * memoryClockKilohertz) / 1e6).toFixed(0)} GB/s`;
