import { mergeConfig } from "vitest/config";
import { SLOW_FILES } from "./test/support/slow-files.js";
import config from "./vitest.config.js";

/** All files but the slow ones, with few random cases. */
export default mergeConfig(config, {
  test: {
    // The second mocks a module, which would be mocked for all files of its worker.
    exclude: [...SLOW_FILES, "test/src/artefact/cuda-missing.test.ts"],
    // What a file imports is loaded once for all files of a worker: half of the time otherwise.
    isolate: false,
    env: { CORTADO_FUZZ_RUNS: "20", CORTADO_GRADIENT_RUNS: "2" },
  },
});
