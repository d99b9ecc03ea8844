/**
 * The native addon in tests: built when there is a C++ compiler; NVRTC where it is installed; a driver that is a double
 * (driver/driver.cc). What is absent is undefined, and a failure under CI.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Addon, openAddon } from "../../native/addon.js";
import { buildAddon, findCompiler } from "../../native/build.mjs";

export interface LoadedAddon {
  readonly addon: Addon;
  /** The file it was loaded from. */
  readonly path: string;
}

/** The addon; undefined without a C++ compiler. */
export async function addonForTests(): Promise<LoadedAddon | undefined> {
  if (findCompiler() === undefined) return absent("there is no C++ compiler: install g++ or clang++");
  if (!process.env["CORTADO_ADDON"]) {
    const { built, line } = await buildAddon();
    if (!built) throw new Error(line);
  }
  const opened = openAddon();
  if (opened.addon === undefined) throw new Error(opened.why);
  return opened;
}

/** Compiles C++ to a shared object in `folder` and gives its path. */
export function buildShared(folder: string, name: string, source: string): string {
  const input = join(folder, `${name}.cc`);
  writeFileSync(input, source);
  return compileShared(input, join(folder, `${name}.so`));
}

/** What was compiled once, by the text and how: most of what a test of the driver's double would take. */
const KEPT = fileURLToPath(new URL("../../node_modules/.cache/cortado-tests", import.meta.url));

function compileShared(input: string, output: string): string {
  const [command = "g++", ...given] = findCompiler() ?? [];
  const flags = ["-std=c++17", "-O1", "-g", "-shared", "-fPIC", "-Wall", "-Wextra", "-fvisibility=hidden"];
  const libraries = ["-ldl", "-pthread"];
  const how = JSON.stringify([command, given, flags, libraries]);
  const headers = readdirSync(dirname(input)).filter((name) => name.endsWith(".h"));
  const hash = createHash("sha256").update(how);
  for (const path of [input, ...headers.map((name) => join(dirname(input), name))])
    hash.update(readFileSync(path));
  const key = hash.digest("hex");
  const kept = join(KEPT, `${key}.so`);
  if (!existsSync(kept)) {
    mkdirSync(KEPT, { recursive: true });
    const made = `${kept}.${process.pid}`;
    const { status, stderr } = spawnSync(command, [...given, ...flags, input, "-o", made, ...libraries]);
    if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
    // Whole or not at all: other workers may look for it.
    renameSync(made, kept);
  }
  // A library is its path: each test loads its own, with its own state.
  copyFileSync(kept, output);
  return output;
}

/** How a double of the driver is to behave; see driver/driver.cc. */
export interface DoubleOptions {
  readonly memory?: number;
  /** The `nth` call (from 1) of a function returns the code. */
  readonly fail?: readonly (readonly [name: string, nth: number, code: number])[];
  /** Milliseconds that every wait takes. */
  readonly slow?: number;
  /** Compute capability of the device: 90, unless told, is 9.0. */
  readonly capability?: number;
  /** The CUDA version that the driver knows: 13000 unless told. */
  readonly cuda?: number;
}

/** What a double reads from the environment when it is loaded. */
export const doubleSettings = (options: DoubleOptions, log = ""): Readonly<Record<string, string>> => ({
  CORTADO_DOUBLE_LOG: log,
  CORTADO_DOUBLE_MEMORY: String(options.memory ?? 2 ** 30),
  CORTADO_DOUBLE_SLOW: String(options.slow ?? 0),
  CORTADO_DOUBLE_CAPABILITY: String(options.capability ?? 90),
  CORTADO_DOUBLE_CUDA: String(options.cuda ?? 13000),
  CORTADO_DOUBLE_FAIL: (options.fail ?? []).map((one) => one.join(":")).join(","),
});

/** Compiles the double and gives its path. */
export const buildDouble = (folder: string): string =>
  compileShared(
    fileURLToPath(new URL("driver/driver.cc", import.meta.url)),
    join(folder, "libcuda-double.so"),
  );

/** A driver of its own: its path, and the lines that it has written when its last context was released. */
export interface DriverDouble {
  readonly path: string;
  report(): readonly string[];
}

/** Compiles the double once; each call of what it returns makes a copy with its own state. `open` must load it at once. */
export function driverDoubles(
  folder: string,
): <T>(
  options: DoubleOptions,
  open: (path: string) => T,
) => { readonly opened: T; readonly double: DriverDouble } {
  const built = buildDouble(folder);
  let count = 0;
  return (options, open) => {
    const path = join(folder, `libcuda-double-${count++}.so`);
    copyFileSync(built, path);
    const log = `${path}.log`;
    const settings = doubleSettings(options, log);
    Object.assign(process.env, settings);
    const opened = open(path);
    for (const name of Object.keys(settings)) delete process.env[name];
    const report = () => (existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : []);
    return { opened, double: { path, report } };
  };
}

/** An image that the double loads as a module: `kernels` are the symbols of `library` with their argument counts. */
export function doubleImage(library: string, kernels: Readonly<Record<string, number>>): Uint8Array {
  const lines = Object.entries(kernels).map(([symbol, count], kernel) => `${symbol} ${kernel} ${count}`);
  return new TextEncoder().encode([`CORTADO-DOUBLE:${library}`, ...lines, ""].join("\n"));
}

/** NVRTC: $CORTADO_NVRTC, or the `nvidia-cuda-nvrtc` wheel of the active Python. */
export function findNvrtc(): string | undefined {
  const given = process.env["CORTADO_NVRTC"];
  if (given) return given;
  const script = "import nvidia\nfor path in nvidia.__path__: print(path)";
  const { stdout } = spawnSync("python3", ["-c", script], { encoding: "utf8" });
  const roots = (stdout ?? "").split("\n").filter((line) => line !== "");
  const folders = roots.flatMap((root) =>
    ["cu13", "cu12", "cuda_nvrtc"].map((name) => join(root, name, "lib")),
  );
  for (const folder of folders.filter((path) => existsSync(path))) {
    const name = readdirSync(folder).find((file) => /^libnvrtc\.so\.\d+$/.test(file));
    if (name !== undefined) return join(folder, name);
  }
  return absent("NVRTC is not installed: set CORTADO_NVRTC, or pip install nvidia-cuda-nvrtc");
}

function absent(line: string): undefined {
  if (process.env["CI"]) throw new Error(line);
  return undefined;
}
