/**
 * Small faults, one at a time, each of which some test must fail on. A fault that changes nothing that can be seen says why it
 * may pass. `npm run test:deep` runs them; `npx vitest run --config vitest.mutation.config.ts -t codegen/plan` some of them.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import type { Fault } from "./fault.js";
import { FAULTS } from "./faults.js";
import { placeOf } from "./plant.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Far above what the tests of a fault take: a fault that makes them hang is found. */
const MOST_MILLISECONDS = 500_000;

interface Outcome {
  readonly passed: boolean;
  readonly hung: boolean;
  readonly output: string;
}

/** The fault's tests, on code with the fault in it. */
function runWith({ tests, ...planted }: Fault): Promise<Outcome> {
  const args = ["node_modules/vitest/vitest.mjs", "run", "--config", "vitest.mutation.config.ts", ...tests];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: {
      ...process.env,
      CI: "true",
      CORTADO_FAULT: JSON.stringify(planted),
      NO_COLOR: "1",
      FORCE_COLOR: undefined,
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that its workers end with it.
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  return new Promise((resolve, reject) => {
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, MOST_MILLISECONDS);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ passed: code === 0, hung, output });
    });
  });
}

let killed = 0;
const survivors: string[] = [];
const titleOf = ({ file, find, replace }: Fault): string =>
  `${file}: ${find} → ${replace}`.replaceAll("\n", " ");

it.each(FAULTS.map((fault) => [titleOf(fault), fault] as const))("%s", async (title, fault) => {
  placeOf(fault);
  const { passed, hung, output } = await runWith(fault);
  // A run that finds no tests, or none of its modules, has seen nothing.
  if (!hung) expect(output).toMatch(/ Tests {2}.*\b(passed|failed)\b/);
  if (!passed) killed++;
  else survivors.push(`${title}${fault.unseen ? ` (${fault.unseen})` : ""}`);
  if (fault.unseen === undefined) expect(passed, "no test sees this fault").toBe(false);
});

afterAll(() =>
  console.log(
    [`planted faults: ${killed} found of ${killed + survivors.length}; not:`, ...survivors].join("\n  "),
  ),
);
