import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take minutes, longest first: begun last, one of them would keep a single core busy at the end. */
const LONGEST = [
  "test/oracle/traces.test.ts",
  "test/codegen/targets/cuda/nvrtc.test.ts",
  "test/runtime/devices/emulator/oracle-traces.test.ts",
  "test/bad-input.test.ts",
  "test/gradients.test.ts",
  "test/runtime/devices/emulator/layers.test.ts",
  "test/oracle/nets.test.ts",
  "test/runtime/devices/emulator/oracle-nets.test.ts",
  "test/src/artefact/cuda.test.ts",
  "test/runtime/devices/emulator/fusion.test.ts",
];

/** Vitest's own order, with the longest files in front. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return at === -1 ? LONGEST.length : at;
    };
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
