import { BaseSequencer, type TestSpecification } from "vitest/node";
import { SLOW_FILES } from "./slow-files.js";

/** Vitest's own order, with the slowest files in front. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = SLOW_FILES.findIndex((name) => moduleId.endsWith(name));
      return at === -1 ? SLOW_FILES.length : at;
    };
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
