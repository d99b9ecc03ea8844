import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folders that Cortado's own modules lie in. */
const FOLDERS = ["codegen", "native", "proto", "runtime", "src"];

let known: string | undefined;

/**
 * Tells one state of Cortado's code from another: what was made by other code is not taken for what this would make. A
 * file that has changed has another time or size.
 */
export function codeIdentity(): string {
  known ??= identityOf(fileURLToPath(new URL("../", import.meta.url)), extname(import.meta.url));
  return known;
}

/** Of the modules in those folders with that ending. */
export function identityOf(root: string, ending: string): string {
  const hash = createHash("sha256");
  for (const folder of FOLDERS)
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).toSorted()) {
      if (!name.endsWith(ending)) continue;
      const { size, mtimeMs } = statSync(join(root, folder, name));
      hash.update(JSON.stringify([folder, name, size, mtimeMs]));
    }
  return hash.digest("hex");
}
