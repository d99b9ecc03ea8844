/** Databases as Python's `lmdb` sees them: a package that a clone may not have. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("read_lmdb.py", import.meta.url));

let found: boolean | undefined;

/** Whether a Python with lmdb is on the path. Under CI it must be. */
export function hasPythonLmdb(): boolean {
  found ??= spawnSync("python3", ["-c", "import lmdb"]).status === 0;
  if (!found && process.env["CI"]) throw new Error("python3 has no lmdb: pip install lmdb");
  return found;
}

export interface PythonLmdb {
  readonly stat: Readonly<
    Record<"depth" | "branch_pages" | "leaf_pages" | "overflow_pages" | "entries", number>
  >;
  /** Keys and SHA-256 of values, in order. */
  readonly records: readonly (readonly [key: string, sha256: string])[];
  /** After further records were put and others removed: how many are there, and whether all can be found by key. */
  readonly changed: { readonly entries: number; readonly sound: boolean };
}

/** Reads a database, then changes it: what LMDB itself cannot change soundly is damaged. Keys and values as hex. */
export function readByPython(folder: string): PythonLmdb {
  const { status, stdout, stderr } = spawnSync("python3", [SCRIPT, folder], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`read_lmdb.py: ${stderr}`);
  return JSON.parse(stdout) as PythonLmdb;
}
