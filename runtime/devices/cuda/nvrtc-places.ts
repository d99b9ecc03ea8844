/** Where NVRTC is put by those who install it: toolkits, system packages, Python wheels. */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** A place that was looked at, and why nothing there is used. */
export interface Looked {
  readonly place: string;
  readonly why: string;
}

export const LIBRARY = {
  /** As the dynamic loader knows it. */
  names: ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"],
  pattern: /^libnvrtc\.so(\.[\d.]+)?$/,
} as const;

/** Another program is given so long to answer. */
const PATIENCE_MS = 15_000;

/** Below the root of a toolkit; or the folder itself. */
export const nvrtcFolders = (root: string): readonly string[] =>
  ["", "lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"].map((below) =>
    join(root, below),
  );

/** Below /usr/local, the newest version first. */
export async function toolkitFolders(): Promise<readonly string[]> {
  const names = await readdir("/usr/local").catch((): string[] => []);
  return newestFirst(names.filter((name) => /^cuda(-[\d.]+)?$/.test(name))).map((name) =>
    join("/usr/local", name, "lib64"),
  );
}

/** What the loader's cache names. Users often have no /sbin on their PATH. */
export async function fromLoader(): Promise<readonly string[]> {
  for (const command of ["ldconfig", "/sbin/ldconfig"]) {
    try {
      const { stdout } = await execute(command, ["-p"], { timeout: PATIENCE_MS, maxBuffer: 2 ** 26 });
      return newestFirst([...stdout.matchAll(/=> (\/.*\/libnvrtc\.so[\d.]*)$/gm)].map(([, path]) => path));
    } catch {
      // Not there, or not for us: the next.
    }
  }
  return [];
}

/**
 * The search path of the namespace package `nvidia`, without importing it; and not from the working directory, which
 * may be anybody's.
 */
const ASK_PYTHON = `
import sys
sys.path = [place for place in sys.path if place not in ("", ".")]
import importlib.util, json
spec = importlib.util.find_spec("nvidia")
print(json.dumps(list(spec.submodule_search_locations or []) if spec else []))
`;

/** The wheels `nvidia-cuda-nvrtc` (nvidia/cu13/lib) and `nvidia-cuda-nvrtc-cu12` (nvidia/cuda_nvrtc/lib). */
export async function fromPython(): Promise<{
  readonly folders: readonly string[];
  readonly looked: readonly Looked[];
}> {
  const folders: string[] = [];
  const looked: Looked[] = [];
  for (const command of ["python3", "python"]) {
    try {
      const { stdout } = await execute(command, ["-c", ASK_PYTHON], { timeout: PATIENCE_MS });
      const places = JSON.parse(stdout) as readonly string[];
      const found: string[] = [];
      for (const place of places) {
        const names = await readdir(place).catch((): string[] => []);
        const wheels = [
          ...newestFirst(names.filter((name) => /^cu\d+$/.test(name))),
          ...names.filter((name) => name === "cuda_nvrtc"),
        ];
        found.push(...wheels.map((name) => join(place, name, "lib")));
      }
      if (found.length === 0)
        looked.push({ place: command, why: "it has no package nvidia-cuda-nvrtc installed" });
      folders.push(...found);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      looked.push({ place: command, why: code === "ENOENT" ? "not on the PATH" : "it does not answer" });
    }
  }
  return { folders: [...new Set(folders)], looked };
}

const newestFirst = (names: readonly string[]): readonly string[] => {
  const order = new Intl.Collator("en", { numeric: true });
  return [...names].sort((a, b) => order.compare(b, a));
};
