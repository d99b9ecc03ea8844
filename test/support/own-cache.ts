import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import type { Scratch } from "./scratch.js";

/** Gives each test of a file a cache of its own, which is not there yet: where it lies. */
export function ownCache(scratch: Scratch): { readonly folder: string } {
  const own = { folder: "" };
  let count = 0;
  beforeEach(() => {
    own.folder = join(scratch.path, `cache-${count++}`);
    vi.stubEnv("CORTADO_CACHE", own.folder);
  });
  afterEach(() => void vi.unstubAllEnvs());
  return own;
}
