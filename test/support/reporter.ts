import { existsSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import { findCompiler } from "../../native/build.mjs";
import { mnistRoot, oracleRoot } from "./oracle.js";

/**
 * The last lines of a run: what was skipped, by name, once, and `N passed, N failed`. On a machine where everything
 * should run (CI set) a skip is a failure.
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
    const counted = failed + (strict ? skipped.length : 0);
    if (strict && skipped.length > 0) process.exitCode = 1;
    const lines = ["", ...describeSkipped(skipped), `${inState("passed").length} passed, ${counted} failed`];
    process.stdout.write(`${lines.join("\n")}\n`);
  }
}

/** One line a suite, so that nothing is skipped in silence. */
function describeSkipped(skipped: readonly TestCase[]): readonly string[] {
  if (skipped.length === 0) return [];
  const suites = new Map<string, number>();
  for (const { fullName } of skipped) {
    const [suite] = fullName.split(" > ");
    suites.set(suite, (suites.get(suite) ?? 0) + 1);
  }
  const names = [...suites].map(([suite, count]) => `${suite} (${count})`).join(", ");
  const missing = [
    findCompiler() ? "" : "a C++ compiler (CORTADO_CXX names one)",
    existsSync(oracleRoot) ? "" : "what BVLC Caffe itself computed (CORTADO_ORACLE names its folder)",
    existsSync(mnistRoot) ? "" : "MNIST (CORTADO_MNIST names its folder)",
  ].filter((what) => what !== "");
  const why = missing.length > 0 ? `; not on this machine: ${missing.join(", and ")}` : "";
  return [`skipped: ${names}${why}`];
}
