/** The program as a process of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MAIN = join(ROOT, "dist/src/cli/main.js");
/** Those that tsconfig.build.json names. */
const FLOORS = ["src", "codegen", "runtime", "native", "proto"] as const;

const timeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/**
 * The path of the compiled program, as the sources are now: a module in dist/ that is older than its source, or is
 * missing, is compiled anew, and one that has no source any more is removed; so are the loaders of builds, which are made of
 * them. After `npm ci` there is nothing to do.
 */
export function freshProgram(): Promise<string> {
  fresh ??= renew();
  return fresh;
}

let fresh: Promise<string> | undefined;

async function renew(): Promise<string> {
  const sources = FLOORS.flatMap((floor) =>
    readdirSync(join(ROOT, floor), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.ts$/.test(name) && !/\.(d|browser)\.ts$/.test(name))
      .map((name) => join(floor, name.slice(0, -".ts".length))),
  );
  const known = new Set(sources);
  for (const floor of FLOORS)
    for (const name of readdirSync(join(ROOT, "dist", floor), { recursive: true, encoding: "utf8" }))
      if (name.endsWith(".js") && !known.has(join(floor, name.slice(0, -".js".length))))
        rmSync(join(ROOT, "dist", floor, name));
  const stale = sources.filter(
    (path) => timeOf(join(ROOT, "dist", `${path}.js`)) < timeOf(join(ROOT, `${path}.ts`)),
  );
  if (stale.length > 0) await compile(stale);
  const loaders = timeOf(join(ROOT, "dist/loaders/ts.js"));
  if (sources.some((path) => timeOf(join(ROOT, "dist", `${path}.js`)) > loaders))
    execFileSync(process.execPath, [join(ROOT, "src/bundle-loaders.mjs")]);
  return MAIN;
}

async function compile(paths: readonly string[]): Promise<void> {
  const { default: ts } = await import("typescript");
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  for (const path of paths) {
    const fileName = join(ROOT, `${path}.ts`);
    const { outputText } = ts.transpileModule(readFileSync(fileName, "utf8"), {
      fileName,
      // A file by itself is not seen to lie in a package of modules.
      compilerOptions: { ...options, module: ts.ModuleKind.ESNext, sourceMap: false, declaration: false },
    });
    const target = join(ROOT, "dist", `${path}.js`);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(`${target}.new`, outputText);
    renameSync(`${target}.new`, target);
  }
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly cwd?: string;
  /** Where stdout goes, if not here: an open file. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** What a shell does first: `ulimit -f 0`. */
  readonly before?: string;
  /** Sees all of stdout as it comes. */
  readonly onText?: (text: string, child: ChildProcess) => void;
  readonly onStart?: (child: ChildProcess) => void;
}

/** Runs a command line of the program and waits for its end. */
export async function startProgram(argv: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const { cwd, before, onText, onStart } = options;
  const command = [process.execPath, await freshProgram(), ...argv];
  const [file, ...args] = before ? ["bash", "-c", `${before}; exec "$@"`, "bash", ...command] : command;
  const child = spawn(file, args, {
    cwd,
    stdio: ["ignore", options.stdout ?? "pipe", options.stderr ?? "pipe"],
  });
  onStart?.(child);
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    onText?.(stdout, child);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
