import { readFileSync } from "node:fs";

/** Cortado's own version, from package.json, which lies above both this file and its compiled form. */
export function version(): string {
  for (const up of ["../package.json", "../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (name === "cortado" && version) return version;
    } catch {
      // Not here: the other one.
    }
  }
  return "unknown";
}
