#!/usr/bin/env node
import { run } from "./run.js";

/** As a shell says of a program that a closed pipe ended: 128 + SIGPIPE. */
const CLOSED_PIPE = 141;

for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(CLOSED_PIPE);
    throw error;
  });

const code = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  onInterrupt(listener) {
    process.on("SIGINT", listener);
    return () => process.off("SIGINT", listener);
  },
});
// Nothing is left to do; whatever still held the process open would keep the shell waiting. The output is out first.
process.stdout.write("", () => process.exit(code));
