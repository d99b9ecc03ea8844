import { BaseSequencer, type TestSpecification } from "vitest/node";
import { ALONE, SLOW_FILES } from "./slow-files.js";

const FIRST: readonly string[] = [...ALONE, ...SLOW_FILES];

/**
 * Vitest's own order, with the slowest files in front; before them those that have a worker to themselves, for a worker
 * that serves many files ends where another kind of file is the next.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = FIRST.findIndex((name) => moduleId.endsWith(name));
      return at === -1 ? FIRST.length : at;
    };
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
