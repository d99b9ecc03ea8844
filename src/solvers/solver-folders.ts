import { access } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** Where the files of a solver lie. */
export interface SolverPlace {
  /** Where what it writes may go: the working directory, and its file's. */
  readonly own: readonly string[];
  /** Where what it names is looked for. */
  readonly folders: readonly string[];
  /** Its file's. */
  readonly folder?: string;
}

/** @param root where data is read */
export function placeOfSolver(file: string | undefined, root: string | undefined): SolverPlace {
  const folder = file === undefined ? undefined : dirname(file);
  const own = [...new Set([process.cwd(), ...(folder === undefined ? [] : [folder])])];
  return { own, folders: [...new Set([...(root === undefined ? [] : [resolve(root)]), ...own])], folder };
}

/** The file of a solver: the one that it was read from, or one of its text's name; undefined where that is none. */
export async function fileOfSolver(file: string | undefined, name: string): Promise<string | undefined> {
  const path = resolve(file ?? name);
  if (file !== undefined) return path;
  try {
    await access(path);
    return path;
  } catch {
    return undefined;
  }
}
