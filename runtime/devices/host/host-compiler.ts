import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { userError } from "../../../proto/errors/index.js";

const execute = promisify(execFile);

/** The system's C++ compiler: what to run, and what it says of its own version. */
export interface HostCompiler {
  readonly path: string;
  /** What stands before all options: `ccache g++` names two programs, `zig c++` one and its role. */
  readonly words: readonly string[];
  readonly version: string;
}

/** Commands that are tried in this order; the last is Zig as Python's package index has it (`ziglang`). */
const USUAL: readonly (readonly string[])[] = [
  ["g++"],
  ["c++"],
  ["clang++"],
  ["zig", "c++"],
  ["python3", "-m", "ziglang", "c++"],
];
/** The variables that name a compiler, the first that is set before the others. */
const NAMED = ["CORTADO_CXX", "CXX"] as const;

/** The compiler that somebody named, and where. */
function named(): { readonly variable: string; readonly text: string } | undefined {
  for (const variable of NAMED) {
    const text = process.env[variable]?.trim();
    if (text) return { variable, text };
  }
  return undefined;
}

/** Found so far, by what was asked for: asking one for its version is a process. */
const known = new Map<string, Promise<HostCompiler | undefined>>();

/**
 * `$CORTADO_CXX`, else `$CXX`, else the first of g++, c++, clang++ and Zig that is there and that runs; undefined where
 * there is none.
 */
export async function findCompiler(): Promise<HostCompiler | undefined> {
  const given = named();
  const asked = JSON.stringify([given?.text, process.env["PATH"]]);
  const found = known.get(asked) ?? firstThatRuns(given ? [given.text.split(/\s+/)] : USUAL);
  known.set(asked, found);
  const compiler = await found;
  // It may be installed while the process lives.
  if (compiler === undefined) known.delete(asked);
  return compiler;
}

/** Why there is no compiler, as a sentence's end, and what helps. */
export function compilerMissing(): { readonly why: string; readonly hint: string } {
  const given = named();
  return {
    why: given
      ? `the C++ compiler that ${given.variable} names, "${given.text}", does not run`
      : "there is no C++ compiler: neither g++, c++, clang++ nor zig is on the PATH",
    hint: "install one (Debian and Ubuntu: apt-get install g++; Python: pip install ziglang), or name it in CORTADO_CXX",
  };
}

/**
 * @param user who needs it, as the subject of a sentence: "the emulator"
 * @throws a user error where there is none
 */
export async function requireCompiler(user: string): Promise<HostCompiler> {
  const found = await findCompiler();
  if (found) return found;
  const { why, hint } = compilerMissing();
  throw userError(`${user} compiles C++, and ${why}`, hint);
}

async function firstThatRuns(commands: readonly (readonly string[])[]): Promise<HostCompiler | undefined> {
  for (const [name, ...words] of commands) {
    const path = onPath(name);
    if (path === undefined) continue;
    try {
      const { stdout } = await execute(path, [...words, "--version"]);
      return { path, words, version: stdout.trim() };
    } catch {
      // It is there but does not run: the next may.
    }
  }
  return undefined;
}

/** The program that a name means; undefined where there is none. @param path folders to look in */
export function onPath(name: string, path = process.env["PATH"] ?? ""): string | undefined {
  const folders = isAbsolute(name) ? [""] : path.split(delimiter).filter(Boolean);
  const inFolder = name.includes("/") ? [name] : folders.map((folder) => join(folder, name));
  return inFolder.find(runs);
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
