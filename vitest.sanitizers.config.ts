import { defineConfig } from "vitest/config";
import config from "./vitest.config.js";

/**
 * Without `CORTADO_SANITIZER_LOG`: the layer cases on native under AddressSanitizer and UndefinedBehaviorSanitizer, in a run of
 * their own. With it, as that run has it.
 */
export default defineConfig(
  process.env["CORTADO_SANITIZER_LOG"] === undefined
    ? { test: { include: ["test/sanitizers/sanitizers.check.ts"], maxWorkers: 1 } }
    : {
        ...config,
        test: {
          ...config.test,
          projects: undefined,
          include: ["test/sanitizers/sound.check.ts", "test/oracle/native-layers.test.ts"],
          globalSetup: [],
          setupFiles: ["./test/support/setup.ts", "./test/sanitizers/setup.ts"],
          testTimeout: 600_000,
          maxWorkers: 2,
          // Sanitizers are loaded with a process.
          pool: "forks",
          isolate: true,
        },
      },
);
