import { defineConfig } from "vitest/config";
import { ALONE, SLOW_FILES } from "./test/support/slow-files.js";
import config from "./vitest.config.js";

/** All files but the slow ones, with few random cases. */
export default defineConfig({
  ...config,
  test: {
    ...config.test,
    projects: undefined,
    include: ["test/**/*.test.ts"],
    exclude: [...SLOW_FILES, ...ALONE],
    isolate: false,
    env: { ...config.test.env, CORTADO_FUZZ_RUNS: "20", CORTADO_GRADIENT_RUNS: "2" },
  },
});
