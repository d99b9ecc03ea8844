import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/sequencer.js";
import { ALONE } from "./test/support/slow-files.js";

export default defineConfig({
  // The examples import the package by its name.
  resolve: { alias: { cortado: fileURLToPath(new URL("src/index.ts", import.meta.url)) } },
  test: {
    reporters: ["default", "./test/support/reporter.ts"],
    globalSetup: ["./test/support/global.ts"],
    setupFiles: ["./test/support/setup.ts"],
    // Nets that nobody chose a target for: on native each would be compiled by the system's compiler first.
    // Threads of ts take 100 ms to start.
    env: { CORTADO_TARGET: "ts", CORTADO_THREADS: "1" },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Kernel threads and compiled nets are heavy: as many files at once as there are cores, no more.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: "alone", include: [...ALONE] } },
      // What a file imports is loaded, and made fast by V8, once for all files of a worker.
      {
        extends: true,
        test: { name: "together", include: ["test/**/*.test.ts"], exclude: [...ALONE], isolate: false },
      },
    ],
  },
});
