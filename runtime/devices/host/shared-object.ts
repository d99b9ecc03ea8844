import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { basename, join } from "node:path";
import type { Cache } from "../../cache.js";
import { inTemporaryFolder } from "../../leftovers.js";
import { firstLines } from "../compiler-log.js";
import type { HostCompiler } from "./host-compiler.js";

/** C++ of one translation unit, and how it is compiled. */
export interface SharedSource {
  readonly source: string;
  readonly flags: readonly string[];
  /** Options that say for which processors. Default: for this machine's own. */
  readonly processor?: readonly string[];
  /** What it includes beside itself: files of a folder. */
  readonly headers?: { readonly folder: string; readonly names: readonly string[] };
}

export interface SharedOptions {
  readonly compiler: HostCompiler;
  readonly cache: Cache;
  /** The error that the compiler's log becomes. */
  readonly fault: (log: string) => Error;
  /** Called where nothing was found: it may refuse. */
  readonly beforeCompiling?: () => void;
}

/**
 * What every kernel for the processor is compiled with. A product and a sum fuse only where the kernel says so; nothing
 * changes the order of operations. Without errno a square root is one instruction as well.
 */
export const KERNEL_OPTIONS: readonly string[] = [
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
];

const NATIVE = "-march=native";
const SUFFIX = ".so";
const LONGEST_SOURCE = 2 ** 28;

/** What beside a source and its headers says what a compiler makes of it. */
export function identityOf(
  { flags, processor }: Pick<SharedSource, "flags" | "processor">,
  { path, words, version }: HostCompiler,
): readonly string[] {
  // -march=native means another thing on another processor.
  const processors = processor ?? [cpus()[0]?.model ?? ""];
  return [path, ...words, version, ...processors, ...flags];
}

/**
 * Compiles a source, in a process of its own, or finds it compiled: by its text, its headers, the options, the compiler
 * and its version, and the processor.
 *
 * @returns the path of the shared object
 */
export async function buildSharedObject(
  shared: SharedSource,
  { compiler, cache, fault, beforeCompiling }: SharedOptions,
): Promise<string> {
  const { source, headers } = shared;
  const hash = createHash("sha256").update(JSON.stringify([...identityOf(shared, compiler), source]));
  for (const name of headers?.names ?? []) hash.update(await readFile(join(headers?.folder ?? "", name)));
  const key = hash.digest("hex");
  const found = await cache.find(key, SUFFIX);
  if (found !== undefined) return found;
  beforeCompiling?.();
  return cache.store(key, SUFFIX, await compile(shared, compiler, fault));
}

/** The bytes of a shared object that is in the cache, as the compiler made it; undefined where it is there no longer. */
export const readSharedObject = (cache: Cache, path: string): Promise<Uint8Array | undefined> =>
  cache.read(basename(path, SUFFIX), SUFFIX);

/** Where a shared object of that name is in the cache now; undefined where it is not, or no longer whole. */
export const findSharedObject = (cache: Cache, name: string): Promise<string | undefined> =>
  cache.find(basename(name, SUFFIX), SUFFIX);

/** The bytes of the shared object. */
async function compile(
  { source, flags, headers, processor = [NATIVE] }: SharedSource,
  compiler: HostCompiler,
  fault: (log: string) => Error,
): Promise<Uint8Array> {
  return inTemporaryFolder("build", async (place) => {
    const output = join(place, "module.so");
    const includes = headers ? ["-I", headers.folder] : [];
    const command = [...flags, ...processor, ...includes, "-x", "c++", "-", "-o", output];
    let outcome = await run(compiler, command, source);
    // A compiler that does not know this processor: the results are the same.
    if (!outcome.done && processor.includes(NATIVE) && outcome.log.includes(NATIVE))
      outcome = await run(
        compiler,
        command.filter((word) => word !== NATIVE),
        source,
      );
    if (!outcome.done) throw fault(firstLines(outcome.log));
    return readFile(output).catch(() => {
      throw fault("it ended well and wrote nothing");
    });
  });
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
