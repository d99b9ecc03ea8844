import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InternalError, userError } from "../../../proto/errors/index.js";
import { type Cache, openCache } from "../../cache.js";
import { inTemporaryFolder } from "../../leftovers.js";
import { type EmulatedKernel, emulatorSource } from "./emulator-source.js";
import { findCompiler, type HostCompiler } from "../host/host-compiler.js";

export interface EmulatorOptions {
  /** With the detectors of native/emulator/README.md; default true. */
  readonly checked?: boolean;
  /**
   * What should be fast; default `build`. `build`: -Og, for programs that run a few times. `run`: -O2, three times as
   * fast and three times as long to build. Both give the same bits.
   */
  readonly favour?: "build" | "run";
  /** Where the module is kept; default the user's cache. */
  readonly cache?: Cache;
}

/**
 * Options of every build. A product and a sum fuse only where the kernel says `fmaf`, which is one instruction where
 * the CPU has it; nothing changes the order of operations. Without errno a square root is one instruction as well.
 */
const OPTIONS: readonly string[] = [
  "-std=c++17",
  "-ffp-contract=off",
  "-fno-math-errno",
  "-fno-exceptions",
  "-fno-rtti",
  "-fno-asynchronous-unwind-tables",
  "-fno-stack-protector",
  "-fvisibility=hidden",
  "-fPIC",
  "-shared",
  // The stacks of the emulator's threads have 256 KiB.
  "-Werror=frame-larger-than=196608",
];
const FAVOURS: Readonly<Record<"build" | "run", readonly string[]>> = {
  build: ["-Og"],
  run: ["-O2", "-ftree-vectorize"],
};
const NATIVE = "-march=native";

const SUFFIX = ".so";
const LONGEST_SOURCE = 2 ** 28;
const LINES_OF_LOG = 20;

/**
 * Compiles kernels for the emulator with the system's C++ compiler, in a process of its own, or finds them compiled.
 *
 * @returns the path of a host module (native/addon.ts `hostOpen`), whose kernel `i` is `kernels[i]`
 * @throws a user error where there is no C++ compiler; an internal one where the kernels do not compile
 */
export async function buildEmulatorModule(
  kernels: readonly EmulatedKernel[],
  options: EmulatorOptions = {},
): Promise<string> {
  const compiler = await theCompiler();
  const cache = options.cache ?? (await openCache());
  const source = emulatorSource(kernels);
  const flags = [
    ...OPTIONS,
    ...FAVOURS[options.favour ?? "build"],
    ...((options.checked ?? true) ? [] : ["-DCORTADO_UNCHECKED"]),
  ];
  const folder = headerFolder();
  const headers = await Promise.all(HEADERS.map((name) => readFile(join(folder, name))));
  // -march=native means another thing on another processor.
  const identity = [compiler.path, ...compiler.words, compiler.version, cpus()[0]?.model ?? "", ...flags];
  const hash = createHash("sha256").update(JSON.stringify([...identity, source]));
  for (const header of headers) hash.update(header);
  const key = hash.digest("hex");
  return (
    (await cache.find(key, SUFFIX)) ?? cache.store(key, SUFFIX, await build(compiler, source, flags, folder))
  );
}

/** Compilers found so far, by what was asked for: asking one for its version is a process. */
const known = new Map<string, Promise<HostCompiler | undefined>>();

async function theCompiler(): Promise<HostCompiler> {
  const { CXX: given, PATH: path } = process.env;
  const asked = JSON.stringify([given, path]);
  const found = known.get(asked) ?? findCompiler();
  known.set(asked, found);
  const compiler = await found;
  if (compiler) return compiler;
  // It may be installed while the process lives.
  known.delete(asked);
  throw userError(
    given
      ? `the C++ compiler that CXX names, "${given}", does not run`
      : "the emulator needs a C++ compiler, and neither g++, c++ nor clang++ is on the PATH",
    "install one (Debian and Ubuntu: apt-get install g++), or name it in CXX",
  );
}

/** The emulator: `cortado.h`, and what it includes. */
const HEADERS = ["cortado.h", "fibres.h", "checks.h", "launch.h"] as const;

/** The folder of the emulator's `cortado.h`: beside the sources, or two folders up from the compiled ones. */
function headerFolder(): string {
  const near = ["../../../native/emulator", "../../../../native/emulator"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = near.find((path) => existsSync(join(path, "cortado.h")));
  if (found === undefined) throw new InternalError(`the emulator's cortado.h is not in ${dirname(near[0])}`);
  return found;
}

/** The bytes of the shared object. */
async function build(
  compiler: HostCompiler,
  source: string,
  flags: readonly string[],
  folder: string,
): Promise<Uint8Array> {
  return inTemporaryFolder("build", async (place) => {
    const output = join(place, "module.so");
    const command = [...flags, NATIVE, "-I", folder, "-x", "c++", "-", "-o", output];
    let outcome = await run(compiler, command, source);
    // A compiler that does not know this processor: fmaf is then a call, with the same result.
    if (!outcome.done && outcome.log.includes(NATIVE))
      outcome = await run(
        compiler,
        command.filter((word) => word !== NATIVE),
        source,
      );
    if (!outcome.done) throw new InternalError(describe(compiler, outcome.log));
    return readFile(output);
  });
}

function describe(compiler: HostCompiler, log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const rest = lines.length - LINES_OF_LOG;
  const shown = [...lines.slice(0, LINES_OF_LOG), ...(rest > 0 ? [`… and ${rest} more lines`] : [])];
  return `kernels for the emulator do not compile with ${compiler.path}:\n${shown.join("\n")}`;
}

function run(
  { path, words }: HostCompiler,
  command: readonly string[],
  input: string,
): Promise<{ readonly done: boolean; readonly log: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      path,
      [...words, ...command],
      // The log is shown to people: one language, no colours.
      { env: { ...process.env, LC_ALL: "C" }, maxBuffer: LONGEST_SOURCE },
      (error, _output, log) => resolve({ done: error === null, log: log || (error?.message ?? "") }),
    );
    // A compiler that ends early closes the pipe; its own log says why.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
