import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { faultPlugin, PLANTED } from "./test/mutation/plant.js";
import config from "./vitest.config.js";

/** In the order in which they are named. */
class AsNamed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number =>
      process.argv.findIndex((word) => moduleId.endsWith(word));
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

/**
 * Without `CORTADO_FAULT`: every fault of test/mutation/faults.ts, each in a run of its own. With it, as those runs have it: the
 * tests that are named, on code with that fault in it; the first that fails is enough.
 */
export default defineConfig(
  PLANTED === undefined
    ? { test: { include: ["test/mutation/faults.check.ts"], testTimeout: 600_000, maxWorkers: 1 } }
    : {
        ...config,
        plugins: [faultPlugin(PLANTED)],
        test: {
          ...config.test,
          projects: undefined,
          include: ["test/**/*.test.ts"],
          reporters: ["default"],
          // The tests build what they need; modules are loaded once for all files of a run.
          globalSetup: [],
          setupFiles: ["./test/support/setup.ts", "./test/mutation/end-on-failure.ts"],
          isolate: false,
          bail: 1,
          maxWorkers: 1,
          sequence: { sequencer: AsNamed },
          env: { ...config.test.env, CORTADO_FUZZ_RUNS: "50", CORTADO_GRADIENT_RUNS: "10" },
        },
      },
);
