import { mergeConfig } from "vitest/config";
import { SLOW_FILES } from "./test/support/slow-files.js";
import config from "./vitest.config.js";

/** All files but the slow ones, with few random cases. */
export default mergeConfig(config, {
  test: {
    exclude: [...SLOW_FILES],
    env: { CORTADO_FUZZ_RUNS: "20", CORTADO_GRADIENT_RUNS: "2" },
  },
});
