import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** The system's C++ compiler: what to run, and what it says of its own version. */
export interface HostCompiler {
  readonly path: string;
  /** Words of `$CXX` after the first: `ccache g++` names two programs. */
  readonly words: readonly string[];
  readonly version: string;
}

const USUAL: readonly string[] = ["g++", "c++", "clang++"];

/** `$CXX`, else the first of g++, c++ and clang++ that PATH has and that runs; undefined where there is none. */
export async function findCompiler(): Promise<HostCompiler | undefined> {
  const given = process.env["CXX"]?.trim();
  const commands = given ? [given.split(/\s+/)] : USUAL.map((name) => [name]);
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

function onPath(name: string): string | undefined {
  const folders = isAbsolute(name) ? [""] : (process.env["PATH"] ?? "").split(delimiter).filter(Boolean);
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
