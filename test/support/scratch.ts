import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A folder for a test file's own files, removed after its last test. */
export interface Scratch {
  readonly path: string;
  /** Writes a file there and returns its path. */
  file(name: string, content: Uint8Array | string): string;
}

export function scratchFolder(): Scratch {
  const path = mkdtempSync(join(tmpdir(), "cortado-test-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    file(name, content) {
      const at = join(path, name);
      writeFileSync(at, content);
      return at;
    },
  };
}
