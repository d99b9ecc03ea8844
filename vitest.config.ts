import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/sequencer.js";

export default defineConfig({
  // The examples import the package by its name.
  resolve: { alias: { cortado: fileURLToPath(new URL("src/index.ts", import.meta.url)) } },
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", "./test/support/reporter.ts"],
    globalSetup: ["./test/support/global.ts"],
    setupFiles: ["./test/support/setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Kernel threads and compiled nets are heavy: as many files at once as there are cores, no more.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
});
