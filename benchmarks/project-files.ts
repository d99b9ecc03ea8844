import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the project, of whose files some are not compiled: this one may lie there or under `dist-bench`. */
function projectFolder(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (folder === dirname(folder)) throw new Error(`${start} lies in no folder with a package.json`);
  }
}

/** The path of a file of the project. */
export const projectFile = (path: string): string => join(projectFolder(), path);
