/**
 * Runs npm's scripts of these names at once, each with what it prints kept together: `node at-once.mjs typecheck lint`. Fails
 * where one of them fails, behind the last.
 */
import { spawn } from "node:child_process";

const run = (name) =>
  new Promise((resolve, reject) => {
    const child = spawn("npm", ["run", "--silent", name], {
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
    const printed = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => printed.push(bytes));
    child.on("error", reject);
    child.on("close", (code) => {
      process.stdout.write(Buffer.concat(printed));
      if (code !== 0) console.error(`npm run ${name} failed`);
      resolve(code === 0);
    });
  });

const passed = await Promise.all(process.argv.slice(2).map(run));
process.exitCode = passed.length > 0 && passed.every(Boolean) ? 0 : 1;
