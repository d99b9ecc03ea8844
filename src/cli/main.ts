#!/usr/bin/env node
import { holdSignals, openOutputs } from "./process-io.js";

const argv = process.argv.slice(2);
// Training is not to be ended by a signal that comes while the program is still being read.
const signals = holdSignals(argv.includes("train"));
const outputs = openOutputs(signals);
const { run } = await import("./run.js");
await outputs.end(
  await run(argv, {
    stdout: outputs.stdout,
    stderr: outputs.stderr,
    env: process.env,
    cwd: process.cwd(),
    onSignal: signals.listen,
  }),
);
