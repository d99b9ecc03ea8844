import type { Reporter, TestCase, TestModule } from "vitest/node";

/**
 * The last lines of a run: every skipped test by name, once, with its reason where it gave one, and
 * `N passed, N failed`. On a machine where everything should run (CI set) a skip is a failure.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests: TestCase[] = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (state: string): TestCase[] => tests.filter((test) => test.result().state === state);
    const skipped = inState("skipped");
    // A module that failed to load has no tests to fail: it counts itself.
    const broken = modules.filter((module) => module.state() === "failed" && module.errors().length > 0);
    const failed = inState("failed").length + broken.length + unhandledErrors.length;
    const strict = Boolean(process.env["CI"]);
    const lines: string[] = [""];
    for (const test of skipped) {
      const result = test.result();
      const note = result.state === "skipped" && result.note ? `: ${result.note}` : "";
      lines.push(`${strict ? "failed (skipped)" : "skipped"}: ${test.fullName}${note}`);
    }
    const counted = failed + (strict ? skipped.length : 0);
    if (strict && skipped.length > 0) process.exitCode = 1;
    lines.push(`${inState("passed").length} passed, ${counted} failed`);
    process.stdout.write(`${lines.join("\n")}\n`);
  }
}
